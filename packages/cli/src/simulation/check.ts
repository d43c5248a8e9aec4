import { setTimeout as delay } from "node:timers/promises";
import type { Person } from "@dossier/events";
import type { ConsoleClient } from "../console/client.ts";
import { differences } from "./difference.ts";

const ASK_EVERY_MS = 250;
const CONCURRENCY = 8;
const SHOWN = 10;

/** A person whose file is not as it must be. */
export interface Deviation {
  readonly entityId: string;
  /** The paths of the fields that differ; `undefined` where the console does not know the person. */
  readonly fields: readonly string[] | undefined;
}

export interface Checked {
  /** Deliveries that were not settled in time; then nothing was compared. */
  readonly open: number;
  readonly persons: number;
  readonly deviating: number;
  /** The first of them. */
  readonly deviations: readonly Deviation[];
}

/** The console could not be asked: nothing is known of the files. */
export interface Unchecked {
  readonly fault: string;
}

/**
 * Waits until every accepted delivery is settled.
 *
 * @param patienceMs how long their number may stay the same before this gives up
 * @returns how many are still open: 0, or more after giving up
 */
export async function untilSettled(client: ConsoleClient, patienceMs: number): Promise<number> {
  let least = Infinity;
  let changed = performance.now();
  for (;;) {
    const open = await client.open();
    if (open < least) {
      least = open;
      changed = performance.now();
    }
    if (open === 0 || performance.now() - changed > patienceMs) return open;
    await delay(ASK_EVERY_MS);
  }
}

/** Compares every person's file with what it must be. */
export async function compare(
  client: ConsoleClient,
  persons: Iterable<Person>,
  onChecked: () => void,
): Promise<Omit<Checked, "open">> {
  const pending = persons[Symbol.iterator]();
  const deviations: Deviation[] = [];
  let checked = 0;
  let deviating = 0;

  async function lane(): Promise<void> {
    for (let next = pending.next(); !next.done; next = pending.next()) {
      const { entityId } = next.value;
      const found = await client.person(entityId);
      const fields = found === undefined ? undefined : differences(next.value, found);
      checked++;
      onChecked();
      if (fields?.length === 0) continue;
      deviating++;
      if (deviations.length < SHOWN) deviations.push({ entityId, fields });
    }
  }

  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  return { persons: checked, deviating, deviations };
}
