import {
  compare,
  DAY,
  formatTicks,
  MINUTE,
  SECOND,
  type History,
  type HistoryEvent,
  type Ticks,
} from "./history.ts";
import { encode, eventTypeOf, payload } from "./payload.ts";
import { Random } from "./random.ts";

/** Webhooks with the same identity are of the same event. */
export type Identity = { readonly event: string; readonly id: string; readonly entityId: string };

/** One request of the simulated iComply. */
export type Webhook = {
  /** The exact bytes, to be signed and posted as they are. */
  readonly body: Buffer;
  readonly entityId: string;
  readonly identity: Identity;
  /**
   * `first`: it has the event's true time, but may arrive after others; `retry`: it has a later time, and usually an
   * `attempt`; `duplicate`: it equals an earlier one byte for byte; `conflict`: it has other data.
   */
  readonly kind: "first" | "retry" | "duplicate" | "conflict";
};

/** A signed body that is answered 200 and cannot be parsed. */
export type Poison = {
  readonly body: Buffer;
  /** The reason that its dead letter must have. */
  readonly reason: "unparsable" | "invalid-event";
};

type Arrival = { readonly webhook: Webhook; readonly ticks: Ticks };

const MAX_WEBHOOKS_PER_EVENT = 6;
const RETRY_AFTER_MINUTES = [1n, 3n, 7n, 15n, 31n];

/**
 * Returns the webhooks of one person's events in the order in which they arrive, at least one for each event.
 * `duplicates` is the share of webhooks that are redeliveries. `shuffle` is each webhook's chance of changing places
 * with any later one: 0 keeps the order of time, 1 leaves none.
 */
export function webhooksOf(
  { entityId, events }: History,
  { duplicates, shuffle }: { duplicates: number; shuffle: number },
  random: Random,
): Webhook[] {
  const arrivals = events
    .flatMap((event) => arrivalsOf(event, entityId, duplicates, random))
    .toSorted((a, b) => compare(a.ticks, b.ticks));
  for (const [index, arrival] of arrivals.entries()) {
    if (!random.chance(shuffle)) continue;
    const other = index + random.below(arrivals.length - index);
    arrivals[index] = arrivals[other] ?? arrival;
    arrivals[other] = arrival;
  }
  return arrivals.map(({ webhook }) => webhook);
}

function arrivalsOf(
  { event, id, ticks, data: original }: HistoryEvent,
  entityId: string,
  duplicates: number,
  random: Random,
): Arrival[] {
  const data = random.chance(0.05) ? { ...original, ...unknownFields } : original;
  const identity = { event, id, entityId };
  const create = (kind: Webhook["kind"], ticks: Ticks, attempt?: number): Webhook => ({
    body: encodeVariant({ event, id, data, ticks, attempt }, random),
    entityId,
    identity,
    kind,
  });
  const first: Arrival = { webhook: create("first", ticks, random.chance(0.2) ? 1 : undefined), ticks };
  const further: Arrival[] = [];
  while (further.length < MAX_WEBHOOKS_PER_EVENT - 1 && random.chance(duplicates)) {
    const later = ticks + retryDelay(further.length, random);
    const attempt = random.chance(0.9) ? further.length + 2 : undefined;
    const repeated = random.pick([first, ...further]).webhook;
    further.push({
      webhook: random.chance(0.4) ? { ...repeated, kind: "duplicate" } : create("retry", later, attempt),
      ticks: later,
    });
  }
  const [retry] = further;
  const overtaken = retry !== undefined && random.chance(0.25);
  return [overtaken ? { ...first, ticks: retry.ticks + 1n } : first, ...further];
}

/** Returns the delay of a retry by iComply, or of a manual redelivery within about a year. */
function retryDelay(retry: number, random: Random): Ticks {
  if (random.chance(0.05)) return DAY * BigInt(1 + random.below(400));
  return (RETRY_AFTER_MINUTES[retry] ?? 60n) * MINUTE + BigInt(random.below(Number(30n * SECOND)));
}

/** Returns for each event a webhook with its identity and other data, a day later. */
export function conflictsOf({ entityId, events }: History, random: Random): Webhook[] {
  return events.map(({ event, id, ticks, data: original }) => {
    const data = { ...original, entity: "Somebody Else" };
    const body = encodeVariant({ event, id, data, ticks: ticks + DAY }, random);
    return { body, entityId, identity: { event, id, entityId }, kind: "conflict" };
  });
}

/** Yields `count` bodies that cannot be parsed. */
export function* poison({ count, seed }: { count: number; seed: number }): Generator<Poison> {
  const random = new Random(seed, "poison");
  for (let n = 0; n < count; n++) {
    const valid = payload({ event: "NaturalPersonUploadedID", id: String(n), entityId: random.uuid() });
    yield random.chance(0.5)
      ? { body: random.pick(corruptions)(encode(valid), random), reason: "unparsable" }
      : { body: encode({ ...valid, ...random.pick(invalidFields) }), reason: "invalid-event" };
  }
}

const corruptions = [
  (body: Buffer, random: Random) => body.subarray(0, random.below(body.length)),
  (body: Buffer) => Buffer.concat([body, Buffer.from("}")]),
  (body: Buffer) => Buffer.concat([Buffer.from([0xff]), body]),
  (body: Buffer) => Buffer.from(body.toString().replace("John", "Jo\0hn")),
];

const invalidFields = [
  { id: undefined },
  { id: "" },
  { event: undefined },
  { creationTimeUtc: undefined },
  { creationTimeUtc: "yesterday" },
  { creationTimeUtc: "2022-02-30T15:09:26.1712603Z" },
  { data: undefined },
  { data: [] },
  { data: { sessionId: "1", documentType: "passport" } },
  { data: { sessionId: "1", entityId: "2" } },
];

/** They change nothing. */
const unknownFields = { riskScore: 0.25, tags: ["a", "é"], review: { by: null } };

/** Returns an event's bytes as one of iComply's releases writes them: a retry may come from another release. */
function encodeVariant(
  message: { event: string; id: string; data: object; ticks: Ticks; attempt?: number | undefined },
  random: Random,
): Buffer {
  const { event, id, data, ticks, attempt } = message;
  const creationTimeUtc = formatVariant(ticks, random);
  const plain = { id, event, eventType: eventTypeOf(event), data, creationTimeUtc, attempt };
  const renamed = { event: undefined, webhookEvent: event };
  switch (random.below(40)) {
    case 0:
      return encode({ ...plain, ...unknownFields });
    case 1:
      return encode({ ...plain, ...renamed });
    case 2:
      return encode(pascalCase({ ...plain, data: pascalCase(data) }));
    case 3:
      return encode(pascalCase({ ...plain, ...renamed, data: pascalCase(data) }));
    default:
      return encode(plain);
  }
}

/** Returns a time, sometimes without its zone or without the trailing zeros that .NET's serializers drop. */
function formatVariant(ticks: Ticks, random: Random): string {
  const full = formatTicks(ticks);
  const trimmed = random.chance(0.3) ? full.replace(/\.?0+Z$/, "Z") : full;
  return random.chance(0.05) ? trimmed.slice(0, -1) : trimmed;
}

function pascalCase(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.charAt(0).toUpperCase() + name.slice(1), value]),
  );
}
