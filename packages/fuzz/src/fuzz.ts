import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { anyCase } from "./cases.ts";
import { openIdleConnections, perform } from "./connection.ts";
import { describeCase, type Case } from "./request.ts";
import type { System } from "./system.ts";
import { Tally } from "./tally.ts";

export interface FuzzOptions {
  readonly cases: number;
  /** The same seed gives the same cases. */
  readonly seed: number;
  /** Memory is measured for the first time after this many cases, when code is compiled and connections are open. */
  readonly warmUpCases: number;
  /** Called after each group of cases with how many there were so far. */
  readonly onProgress?: (cases: number) => void;
  /** Ends the run early, after the group that is being performed. */
  readonly abortSignal?: AbortSignal;
}

export interface FuzzResult {
  readonly tally: Tally;
  /** Bytes of live objects after the warm-up and at the end; `undefined` if the run ended before the warm-up. */
  readonly memory: { readonly warmedUp: number; readonly end: number } | undefined;
}

const CASES_PER_GROUP = 100;
const IDLE_CONNECTIONS = 1_000;
/** Between the seeds of two groups; so large that runs with neighbouring seeds share none. */
const SEED_STRIDE = 0x9e3779b1;

/** For a group and, if it fails, for finding a smaller one that fails too: what is found until then is reported. */
const TIME_LIMIT_MS = 5 * 60_000;

/** Always drawn whole, so that a seed gives the same cases however many are wanted. */
const group = fc.array(anyCase, { minLength: 1, maxLength: CASES_PER_GROUP, size: "max" });

/**
 * Performs random cases against the system, beside a thousand idle connections, and waits until what was accepted is
 * settled. Rejects, with the seed and the smallest failing group, if a case is answered wrongly, is not settled, uses
 * an attempt, or makes the system log an error or personal data; and if the idle connections starve.
 */
export async function fuzz(system: System, options: FuzzOptions): Promise<FuzzResult> {
  const { cases, seed, warmUpCases, onProgress, abortSignal } = options;
  const tally = new Tally();
  let warmedUp: number | undefined;
  const idle = await openIdleConnections(system.port, IDLE_CONNECTIONS);
  try {
    for (let round = 0; tally.cases < cases && !abortSignal?.aborted; round += 1) {
      const missing = cases - tally.cases;
      const property = fc.asyncProperty(group, (drawn) =>
        performGroup(system, drawn.slice(0, missing), tally),
      );
      const groupSeed = (seed + round * SEED_STRIDE) % 2 ** 31;
      const { failed, counterexample, errorInstance } = await fc.check(property, {
        seed: groupSeed,
        numRuns: 1,
        interruptAfterTimeLimit: TIME_LIMIT_MS,
        markInterruptAsFailure: true,
      });
      if (failed)
        throw failure(
          groupSeed,
          counterexample?.[0] ?? [],
          errorInstance ?? `not done in ${TIME_LIMIT_MS} ms`,
        );
      if (tally.cases >= warmUpCases) warmedUp ??= liveBytes();
      onProgress?.(tally.cases);
    }
    await idle.allOpen();
  } finally {
    idle.close();
  }
  const { recorded, withSecret } = await system.countDeliveries();
  // More may be recorded than were answered: a client that disconnects early gets no answer.
  if (recorded < tally.accepted)
    throw new Error(`seed ${seed}: ${tally.accepted - recorded} accepted deliveries are lost`);
  if (withSecret > 0) throw new Error(`seed ${seed}: ${withSecret} deliveries were recorded with a secret`);
  return { tally, memory: warmedUp === undefined ? undefined : { warmedUp, end: liveBytes() } };
}

async function performGroup(system: System, cases: readonly Case[], tally: Tally): Promise<void> {
  const answered = await Promise.all(
    cases.map(async (example) => ({ ...example, answer: await perform(system.port, example) })),
  );
  for (const { category, expected, answer } of answered) {
    if (!expected.includes(answer.status))
      throw new Error(`${category}: answered ${answer.status}, expected ${expected.join(" or ")}`);
  }
  const deliveryIds = answered.flatMap(({ answer }) => answer.deliveryId ?? []);
  const settlements = await system.waitForSettlements(deliveryIds);
  for (const { category, answer } of answered) {
    tally.add(category, answer.status, settlements.get(answer.deliveryId ?? ""));
  }
  const [violation] = await system.takeViolations(deliveryIds);
  if (violation !== undefined) throw new Error(violation);
}

/** The failing group is the first that its seed makes. */
function failure(groupSeed: number, smallest: readonly Case[], cause: unknown): Error {
  const lines = [
    cause instanceof Error ? cause.message : String(cause),
    `smallest failing group, of ${smallest.length} requests:`,
    ...smallest.map((example) => `  ${describeCase(example)}`),
    `repeat it with --seed ${groupSeed}`,
  ];
  return new Error(lines.join("\n"), { cause });
}

/**
 * By how much the live bytes may grow after the warm-up. They differ by what is in flight when they are measured; the
 * bodies of 100,000 cases would be some 400 MiB.
 */
export const MAX_GROWTH_BYTES = 128 * 2 ** 20;

/** Returns the bytes of this process's objects and buffers after a garbage collection. */
function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
