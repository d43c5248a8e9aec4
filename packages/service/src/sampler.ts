import { SamplingDecision, type Sampler } from "@opentelemetry/sdk-trace";

/**
 * Returns a sampler of at most so many requests a second, so that tracing costs little under any load. What a client says
 * of its own trace does not matter: .NET sends a context with every request, also if it traces nothing. What is linked to
 * traces is always sampled.
 */
export function createSampler(requestsPerSecond: number): Sampler {
  let allowed = requestsPerSecond;
  let countedAt = performance.now();

  function take(): boolean {
    const now = performance.now();
    allowed = Math.min(requestsPerSecond, allowed + ((now - countedAt) * requestsPerSecond) / 1_000);
    countedAt = now;
    if (allowed < 1) return false;
    allowed -= 1;
    return true;
  }

  return {
    shouldSample(_context, _traceId, _name, _kind, _attributes, links) {
      const sampled = links.length > 0 || take();
      return { decision: sampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
    },
    toString: () => `at most ${requestsPerSecond} requests a second`,
  };
}
