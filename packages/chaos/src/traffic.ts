import { setTimeout as delay } from "node:timers/promises";
import type { Person } from "@dossier/events";
import { scenario, poison, type Poison } from "@dossier/simulator";
import type { Sender } from "./sender.ts";
import { QUIET_WITHIN_MS } from "./times.ts";

/** What is sent in a run: the lives of many persons, in disorder, with webhooks among them that nobody can read. */
export interface Traffic {
  readonly persons: readonly Person[];
  readonly poison: readonly Poison[];
  readonly bodies: readonly Buffer[];
}

const SENDS_A_SECOND = 30;
/** Sends of one person, on average, with these options. */
const SENDS_A_PERSON = 11;
const POISON_EVERY = 50;

export function traffic(seed: number, durationMs: number): Traffic {
  const persons = Math.ceil((durationMs / 1_000) * (SENDS_A_SECOND / SENDS_A_PERSON));
  const told = scenario({ persons, seed, duplicates: 0.25, shuffle: 0.25 });
  const sends = Array.from(told.webhooks, ({ body }) => body);
  const poisoned = [...poison({ count: Math.ceil(sends.length / POISON_EVERY), seed })];
  const bodies = sends.flatMap((body, place) => {
    const bad = place % POISON_EVERY === 0 ? poisoned[place / POISON_EVERY] : undefined;
    return bad === undefined ? [body] : [body, bad.body];
  });
  return { persons: [...told.persons], poison: poisoned, bodies };
}

/** Webhooks that wait for their 200 at the same time: what comes beyond is held back, not to deadLetter what is tested. */
const UNDER_WAY = 300;

/**
 * Sends all bodies, evenly over the time; resolves when each was accepted, or so long after that nothing will be any
 * more. Gives what was never accepted.
 */
export async function drive(
  { bodies }: Traffic,
  sender: Sender,
  durationMs: number,
): Promise<readonly string[]> {
  const began = performance.now();
  const tooLate = setTimeout(() => sender.close(), durationMs + QUIET_WITHIN_MS);
  const underWay = new Set<Promise<void>>();
  for (const [place, body] of bodies.entries()) {
    const wait = began + (place / bodies.length) * durationMs - performance.now();
    if (wait > 0) await delay(wait);
    while (underWay.size >= UNDER_WAY) await Promise.race(underWay);
    const sending = sender.send(body).finally(() => underWay.delete(sending));
    underWay.add(sending);
  }
  await Promise.all(underWay);
  clearTimeout(tooLate);
  const never = bodies.length - sender.ledger.accepted.size;
  return never === 0 ? [] : [`${never} of ${bodies.length} webhooks were never accepted`];
}
