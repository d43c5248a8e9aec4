import { setTimeout as delay } from "node:timers/promises";
import { poison, scenario, type ExpectedPerson, type Poison } from "@dossier/simulator";
import type { Client } from "./client.ts";

/** The webhooks of a run, with the record that they must lead to. */
export interface Workload {
  /** Valid ones of many persons, duplicated and out of order, with those of `poison` among them. */
  readonly bodies: readonly Buffer[];
  readonly persons: readonly ExpectedPerson[];
  /** Webhooks that must become dead letters. */
  readonly poison: readonly Poison[];
}

const WEBHOOKS_PER_SECOND = 30;
/** The average for the options below. */
const WEBHOOKS_PER_PERSON = 11;
const WEBHOOKS_PER_POISON = 50;
const MAX_PENDING = 300;
/** Long enough for several sweeps, 30 s apart, to fail as well. */
export const SETTLE_TIMEOUT_MS = 300_000;

/** Returns the workload for a run of this length: a function of its arguments alone. */
export function createWorkload(seed: number, durationMs: number): Workload {
  const count = Math.ceil((durationMs / 1_000) * (WEBHOOKS_PER_SECOND / WEBHOOKS_PER_PERSON));
  const { webhooks, persons } = scenario({ persons: count, seed, duplicates: 0.25, shuffle: 0.25 });
  const valid = Array.from(webhooks, ({ body }) => body);
  const poisoned = [...poison({ count: Math.ceil(valid.length / WEBHOOKS_PER_POISON), seed })];
  const bodies = valid.flatMap((body, index) => {
    const bad = index % WEBHOOKS_PER_POISON === 0 ? poisoned[index / WEBHOOKS_PER_POISON] : undefined;
    return bad === undefined ? [body] : [body, bad.body];
  });
  return { bodies, persons: [...persons], poison: poisoned };
}

/**
 * Sends all webhooks, at an even rate over `durationMs`. Resolves when all are accepted, or `SETTLE_TIMEOUT_MS` later.
 */
export async function sendWorkload({ bodies }: Workload, client: Client, durationMs: number): Promise<void> {
  const startedAt = performance.now();
  const timeout = setTimeout(() => client[Symbol.dispose](), durationMs + SETTLE_TIMEOUT_MS);
  const pending = new Set<Promise<void>>();
  for (const [index, body] of bodies.entries()) {
    const waitMs = startedAt + (index / bodies.length) * durationMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    // Beyond this many, webhooks are held back: the faults are under test, not the load.
    while (pending.size >= MAX_PENDING) await Promise.race(pending);
    const sent = client.send(body).finally(() => pending.delete(sent));
    pending.add(sent);
  }
  await Promise.all(pending);
  clearTimeout(timeout);
}
