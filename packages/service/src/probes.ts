import { Hono } from "hono";
import pTimeout from "p-timeout";
import { describeError } from "./error.ts";
import type { Metrics } from "./metrics.ts";

/** Resolves if what it checks can be used; rejects with the reason if it cannot. */
export type Check = () => Promise<unknown>;

export interface ProbesOptions {
  /** What the service cannot work without, by name. If one of these fails, the service is not ready. */
  readonly needs: Readonly<Record<string, Check>>;
  /** What the service can do without for a time, by name. These are shown, and do not change readiness. */
  readonly uses?: Readonly<Record<string, Check>>;
  readonly metrics: Metrics;
  /** Aborted when the service begins to shut down; from then on it is not ready. */
  readonly shutdownSignal: AbortSignal;
  /**
   * How long a check may take before it fails, in milliseconds; all checks run at the same time. More tolerates a slower
   * database; less answers the probe sooner. Default 1,000.
   */
  readonly checkTimeoutMs?: number;
}

/** By check: `ok`, or why it failed. */
type CheckResults = Readonly<Record<string, string>>;

/**
 * Returns the routes that every service has:
 *
 * - `GET /healthz`: 200 while the process lives;
 * - `GET /readyz`: 200 if the service can do its work, else 503; either way with the result of each check;
 * - `GET /metrics`: Prometheus text.
 */
export function probes(options: ProbesOptions): Hono {
  const { needs, uses = {}, metrics, shutdownSignal, checkTimeoutMs = 1_000 } = options;
  let running: Promise<CheckResults> | undefined;
  // Probes that arrive while checks run share them, so that many probes cost no more than one.
  const runSharedChecks = () =>
    (running ??= runChecks({ ...uses, ...needs }, checkTimeoutMs).finally(() => {
      running = undefined;
    }));

  return new Hono()
    .get("/healthz", (c) => c.json({ status: "ok" }))
    .get("/readyz", async (c) => {
      c.header("cache-control", "no-store");
      if (shutdownSignal.aborted) return c.json({ status: "shutting down" }, 503);
      const checks = await runSharedChecks();
      return Object.keys(needs).every((name) => checks[name] === "ok")
        ? c.json({ status: "ready", checks })
        : c.json({ status: "unready", checks }, 503);
    })
    .get("/metrics", async (c) =>
      c.body(await metrics.text(), 200, {
        "content-type": "text/plain; version=0.0.4; charset=utf-8",
      }),
    );
}

async function runChecks(
  checks: Readonly<Record<string, Check>>,
  milliseconds: number,
): Promise<CheckResults> {
  const results = Object.entries(checks).map(async ([name, check]) => {
    try {
      await pTimeout(check(), { milliseconds, message: `no answer within ${milliseconds} ms` });
      return [name, "ok"] as const;
    } catch (error) {
      return [name, describeError(error).message] as const;
    }
  });
  return Object.fromEntries(await Promise.all(results));
}
