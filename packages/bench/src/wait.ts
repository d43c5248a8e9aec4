import { setTimeout as delay } from "node:timers/promises";
import type { System } from "./systems/systems.ts";

/** Longer than anything takes here: a benchmark that waits forever says nothing. */
export const LIMIT_MS = 1_800_000;

const POLL_MS = 20;

/** Waits until something is so. Throws after half an hour. */
export async function waitUntil(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const startedAt = performance.now(); !(await isSo()); await delay(POLL_MS))
    if (performance.now() - startedAt > LIMIT_MS) throw new Error(`after ${LIMIT_MS} ms not ${what}`);
}

/** Waits until what the system has accepted is settled. */
export function waitUntilSettled({ countOpen }: System, accepted: number): Promise<void> {
  return waitUntil("all settled", async () => (await countOpen(accepted)) === 0);
}
