import { setTimeout as delay } from "node:timers/promises";
import { diffJson, type Json } from "@dossier/events";
import type { ExpectedPerson } from "@dossier/simulator";
import { countOpenDeliveries, fetchPerson, type ConsoleClient } from "../console-client.ts";
import { forEachConcurrently } from "./send.ts";

const POLL_EVERY_MS = 250;
const CONCURRENCY = 8;
const LISTED = 10;

/** A person whose state is not the expected one. */
export interface PersonMismatch {
  readonly entityId: string;
  /** The paths of the fields that differ; `undefined` if the console does not know the person. */
  readonly fields: readonly string[] | undefined;
}

export interface Comparison {
  readonly persons: number;
  readonly mismatched: number;
  /** The first 10 of them. */
  readonly mismatches: readonly PersonMismatch[];
}

/**
 * Waits until every accepted delivery is settled.
 *
 * @param timeoutMs how long their number may not fall before this gives up
 * @param onCount called with how many are open
 * @returns how many are still open: 0, or more after giving up
 */
export async function waitUntilSettled(
  client: ConsoleClient,
  timeoutMs: number,
  onCount: (open: number) => void = () => undefined,
): Promise<number> {
  let least = Infinity;
  let fellAt = performance.now();
  for (;;) {
    const open = await countOpenDeliveries(client);
    onCount(open);
    if (open < least) {
      least = open;
      fellAt = performance.now();
    }
    if (open === 0 || performance.now() - fellAt > timeoutMs) return open;
    await delay(POLL_EVERY_MS);
  }
}

/** Compares every person's state with the expected one. */
export async function comparePersons(
  client: ConsoleClient,
  expected: Iterable<ExpectedPerson>,
  onCompared: () => void,
): Promise<Comparison> {
  const mismatches: PersonMismatch[] = [];
  let persons = 0;
  let mismatched = 0;
  await forEachConcurrently(expected, CONCURRENCY, async (person) => {
    const { entityId } = person;
    const found = await fetchPerson(client, entityId);
    const fields = found && diffJson(person as unknown as Json, found).map(({ path }) => path);
    persons++;
    onCompared();
    if (fields?.length === 0) return;
    mismatched++;
    if (mismatches.length < LISTED) mismatches.push({ entityId, fields });
  });
  return { persons, mismatched, mismatches };
}
