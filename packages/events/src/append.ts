import { chainHash, type Entry } from "./chain.ts";
import { identityKey, type Event } from "./event.ts";
import { foldInOrder, type Folded } from "./fold.ts";
import type { ParsedEvent } from "./parse-delivery.ts";
import type { Ticks } from "./ticks.ts";

/** A readable delivery: what it parsed, and what the log says of where it came from. */
export interface ParsedDelivery {
  readonly deliveryId: string;
  readonly receivedTicks: Ticks;
  readonly deliveryDigest: Buffer;
  readonly parsed: ParsedEvent;
}

/** What is stored of one person, as far as appending must know it. */
export interface Stream {
  readonly entityId: string;
  /** The last entry's `seq` and hash; 0 and `CHAIN_START` before the first. */
  readonly seq: number;
  readonly hash: Buffer;
  /** Which of the deliveries' events are stored already, by `identityKey`. */
  readonly known: ReadonlyMap<string, KnownEvent>;
  readonly folded: Folded | undefined;
}

export interface KnownEvent {
  /** The earliest time of the deliveries so far. */
  readonly ticks: Ticks;
  readonly dataDigest: Buffer;
}

/** How a delivery ends: it added an event, it parsed again what was known, or it parsed something else of it. */
export type Outcome = "applied" | "duplicate" | "conflicting-duplicate";

export interface Appended {
  readonly entityId: string;
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly entries: readonly HashedEntry[];
  /** The person with the new events folded in. `late`: something came before what was folded: fold all again. */
  readonly folded: Folded | "out-of-order" | undefined;
}

export interface HashedEntry extends Entry {
  readonly hash: Buffer;
  /** The digest of an event's data; that of the event parsed again, for a redelivery. */
  readonly dataDigest: Buffer;
  /** Whether a person's state may differ for it: a new event, or an earlier time for a known one. */
  readonly changes: boolean;
}

/** Appends one person's deliveries, in the order in which they are given, to what is stored of the person. */
export function append(stream: Stream, deliveries: readonly ParsedDelivery[]): Appended {
  const outcomes = new Map<string, Outcome>();
  const entries: HashedEntry[] = [];
  const known = new Map(stream.known);
  const fresh = new Map<string, Event>();
  let { seq, hash } = stream;
  let retimed = false;

  for (const { deliveryId, receivedTicks, deliveryDigest, parsed } of deliveries) {
    const { event, id, entityId, ticks, data, dataJson, dataDigest } = parsed;
    const key = identityKey(parsed);
    const before = known.get(key);
    if (before !== undefined && !before.dataDigest.equals(dataDigest)) {
      outcomes.set(deliveryId, "conflicting-duplicate");
      continue;
    }
    const earliest = before === undefined || ticks < before.ticks ? ticks : before.ticks;
    const changes = before === undefined || ticks < before.ticks;
    known.set(key, { ticks: earliest, dataDigest });
    if (before === undefined || fresh.has(key))
      fresh.set(key, { event, id, entityId, ticks: earliest, data });
    else retimed ||= changes;

    const kind = before === undefined ? "event" : "redelivery";
    const entry: Entry = {
      kind,
      entityId,
      seq: seq + 1,
      event,
      id,
      ticks,
      dataJson: kind === "event" ? dataJson : null,
      deliveryId,
      receivedTicks,
      deliveryDigest,
    };
    hash = chainHash(hash, entry);
    seq = entry.seq;
    entries.push({ ...entry, hash, dataDigest, changes });
    outcomes.set(deliveryId, kind === "event" ? "applied" : "duplicate");
  }

  const folded = retimed ? "out-of-order" : foldInOrder(stream.folded, stream.entityId, [...fresh.values()]);
  return { entityId: stream.entityId, outcomes, entries, folded };
}
