import { compare, type History, type Occurrence } from "./history.ts";
import { message, undocumented } from "./message.ts";
import type { Random } from "./random.ts";
import { day, minute, second, type Ticks } from "./ticks.ts";

/** What makes two sends the same event. */
export type Identity = { readonly event: string; readonly id: string; readonly entityId: string };

/** One POST that the simulated iComply makes. */
export type Send = {
  /** The exact bytes, to be signed and posted as they are. */
  readonly body: Buffer;
  readonly entityId: string;
  readonly identity: Identity;
  /**
   * `first`: the send with the event's true time, though not always the one that arrives first;
   * `retry`: a later time, and most often its `attempt`; `duplicate`: an earlier send, byte for byte;
   * `conflict`: other data under a known identity.
   */
  readonly kind: "first" | "retry" | "duplicate" | "conflict";
};

type Arrival = { readonly send: Send; readonly at: Ticks };

const maxSends = 6;
const retriesAfter = [1n, 3n, 7n, 15n, 31n] as const;

/**
 * Every send of one person's events, in the order in which they arrive. Each occurrence is sent at
 * least once. `duplicates` is the share of all sends that are redeliveries. `shuffle` is each
 * send's chance to be overtaken by any later one: 0 keeps the order of time, 1 keeps none.
 */
export function sends(
  { entityId, occurrences }: History,
  { duplicates, shuffle }: { duplicates: number; shuffle: number },
  random: Random,
): Send[] {
  const arrivals = occurrences
    .flatMap((occurrence) => sendsOf(occurrence, entityId, duplicates, random))
    .toSorted((a, b) => compare(a.at, b.at));
  for (const [place, send] of arrivals.entries()) {
    if (!random.chance(shuffle)) continue;
    const other = place + random.below(arrivals.length - place);
    arrivals[place] = arrivals[other] ?? send;
    arrivals[other] = send;
  }
  return arrivals.map(({ send }) => send);
}

/** Other data, a day later, under the identity of each thing that happened. */
export function conflicts({ entityId, occurrences }: History, random: Random): Send[] {
  return occurrences.map(({ event, id, at, data: said }) => {
    const data = { ...said, entity: "Somebody Else" };
    const body = message({ event, id, data, at: at + day }, random);
    return { body, entityId, identity: { event, id, entityId }, kind: "conflict" };
  });
}

function sendsOf(
  { event, id, at, data: said }: Occurrence,
  entityId: string,
  duplicates: number,
  random: Random,
): Arrival[] {
  const data = random.chance(0.05) ? { ...said, ...undocumented } : said;
  const identity = { event, id, entityId };
  const send = (kind: Send["kind"], at: Ticks, attempt?: number): Send => ({
    body: message({ event, id, data, at, attempt }, random),
    entityId,
    identity,
    kind,
  });
  const first: Arrival = { send: send("first", at, random.chance(0.2) ? 1 : undefined), at };
  const again: Arrival[] = [];
  while (again.length < maxSends - 1 && random.chance(duplicates)) {
    const later = at + delay(again.length, random);
    const attempt = random.chance(0.9) ? again.length + 2 : undefined;
    const resent = random.pick([first, ...again]).send;
    again.push({
      send: random.chance(0.4) ? { ...resent, kind: "duplicate" } : send("retry", later, attempt),
      at: later,
    });
  }
  const [retry] = again;
  const overtaken = retry !== undefined && random.chance(0.25);
  return [overtaken ? { ...first, at: retry.at + 1n } : first, ...again];
}

/** As iComply's retries come, or by hand within a year and some. */
function delay(retry: number, random: Random): Ticks {
  if (random.chance(0.05)) return day * BigInt(1 + random.below(400));
  return (retriesAfter[retry] ?? 60n) * minute + BigInt(random.below(Number(30n * second)));
}
