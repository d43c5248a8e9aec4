import fc from "fast-check";
import type { Case } from "./case.ts";
import { anyCase } from "./cases.ts";
import { keepSilent, send } from "./send.ts";
import type { System } from "./system.ts";
import { Tally } from "./tally.ts";

/** Cases that are under way at the same time. */
const TOGETHER = 100;
const SILENT_CONNECTIONS = 1_000;
/** Between the seeds of two groups: so far that runs with neighbouring seeds share none. */
const STRIDE = 0x9e3779b1;

/** The same for each seed, whatever is left to do: what is too much is cut off after. */
const group = fc.array(anyCase, { minLength: 1, maxLength: TOGETHER, size: "max" });

export interface FuzzOptions {
  readonly cases: number;
  /** The same seed makes the same cases. */
  readonly seed: number;
  /** Told after each group of cases how many there were so far. */
  readonly onProgress?: (cases: number) => void;
  /** Aborted to end early, after the group in hand. */
  readonly shutdownSignal?: AbortSignal;
}

/**
 * Sends bad input to a running system, among a thousand connections that send nothing, and waits for what was
 * accepted to be settled. Rejects with the seed and the smallest failing input where a case is answered otherwise
 * than it must be, is not settled, or makes the system log an error, use up an attempt or tell of a person; and where
 * the silent connections can no longer be had.
 */
export async function fuzz(
  system: System,
  { cases, seed, onProgress, shutdownSignal }: FuzzOptions,
): Promise<Tally> {
  const tally = new Tally();
  const silence = await keepSilent(system.port, SILENT_CONNECTIONS);
  try {
    for (let round = 0; tally.cases < cases && !shutdownSignal?.aborted; round += 1) {
      const left = cases - tally.cases;
      const property = fc.asyncProperty(group, (some) => run(system, some.slice(0, left), tally));
      await fc.assert(property, { seed: seedOf(seed, round), numRuns: 1 });
      onProgress?.(tally.cases);
    }
    await silence.whole();
  } finally {
    silence.end();
  }
  const { recorded, telling } = await system.inbox();
  // More may be recorded than were told of it: a client that goes early is not.
  if (recorded < tally.accepted)
    throw new Error(`seed ${seed}: ${tally.accepted - recorded} accepted ones are lost`);
  if (telling > 0) throw new Error(`seed ${seed}: ${telling} bodies were kept with a secret in them`);
  return tally;
}

/** A seed for each group: the one that a failure prints makes its group the first. */
function seedOf(seed: number, round: number): number {
  return (seed + round * STRIDE) % 2 ** 31;
}

async function run(system: System, group: readonly Case[], tally: Tally): Promise<void> {
  const answered = await Promise.all(
    group.map(async (sent) => ({ sent, answer: await send(system.port, sent) })),
  );
  for (const { sent, answer } of answered) {
    if (!sent.right.includes(answer.status)) {
      throw new Error(`${sent.category}: answered ${answer.status}, right is ${sent.right.join(" or ")}`);
    }
  }
  const ids = answered.flatMap(({ answer }) => answer.deliveryId ?? []);
  const settled = await system.settled(ids);
  for (const { sent, answer } of answered) {
    tally.add(sent.category, answer.status, settled.get(answer.deliveryId ?? ""));
  }
  const [fault] = await system.faults(ids);
  if (fault !== undefined) throw new Error(fault);
}
