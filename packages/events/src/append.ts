import { chainHash, type Entry } from "./chain.ts";
import { identityKey, type Event } from "./event.ts";
import { foldInOrder, type Folded } from "./fold.ts";
import { conflictingDuplicate, type Outcome, type Outcomes } from "./outcome.ts";
import type { ParsedEvent } from "./parse-delivery.ts";
import type { Ticks } from "./ticks.ts";

/** A delivery whose event could be parsed, with what the log records of its origin. */
export interface ParsedDelivery {
  readonly deliveryId: string;
  readonly receivedTicks: Ticks;
  readonly deliveryDigest: Buffer;
  readonly event: ParsedEvent;
}

/** One person's stream, as far as appending needs it. */
export interface Stream {
  readonly entityId: string;
  /** The last entry's `seq` and hash; 0 and `CHAIN_START` before the first. */
  readonly seq: number;
  readonly hash: Buffer;
  /** Those of the deliveries' events that the log has already, by `identityKey`. */
  readonly known: ReadonlyMap<string, KnownEvent>;
  readonly folded: Folded | undefined;
}

export interface KnownEvent {
  /** The earliest time of its deliveries so far. */
  readonly ticks: Ticks;
  readonly dataDigest: Buffer;
  /** The first delivery. */
  readonly deliveryId: string;
}

export interface Appended {
  readonly entityId: string;
  readonly outcomes: Outcomes;
  readonly entries: readonly HashedEntry[];
  /** The person with the new events folded in; `out-of-order` if the stream must be refolded. */
  readonly folded: Folded | "out-of-order" | undefined;
}

export interface HashedEntry extends Entry {
  readonly hash: Buffer;
  /** The digest of the event's data; a redelivery has its event's. */
  readonly dataDigest: Buffer;
  /** Whether the entry may change the person's state: a new event, or an earlier time for a known one. */
  readonly changesState: boolean;
}

/** Appends deliveries of one person's events, in the order given. Returns their outcomes and the new entries of the log. */
export function append(stream: Stream, deliveries: readonly ParsedDelivery[]): Appended {
  const outcomes = new Map<string, Outcome>();
  const entries: HashedEntry[] = [];
  const known = new Map(stream.known);
  const added = new Map<string, Event>();
  let { seq, hash } = stream;
  let earlierThanFolded = false;

  for (const { deliveryId, receivedTicks, deliveryDigest, event: parsed } of deliveries) {
    const { event, id, entityId, ticks, dataJson, dataDigest } = parsed;
    const key = identityKey(parsed);
    const before = known.get(key);
    if (before !== undefined && !before.dataDigest.equals(dataDigest)) {
      outcomes.set(deliveryId, {
        kind: "dead-lettered",
        deadLetter: conflictingDuplicate(parsed, before.deliveryId),
      });
      continue;
    }
    const isNew = before === undefined;
    const changesState = isNew || ticks < before.ticks;
    const earliest = changesState ? ticks : before.ticks;
    known.set(key, { ticks: earliest, dataDigest, deliveryId: before?.deliveryId ?? deliveryId });
    if (isNew || added.has(key)) added.set(key, { ...parsed, ticks: earliest });
    else earlierThanFolded ||= changesState;

    const entry: Entry = {
      kind: isNew ? "event" : "redelivery",
      entityId,
      seq: seq + 1,
      event,
      id,
      ticks,
      dataJson: isNew ? dataJson : null,
      deliveryId,
      receivedTicks,
      deliveryDigest,
    };
    hash = chainHash(hash, entry);
    seq = entry.seq;
    entries.push({ ...entry, hash, dataDigest, changesState });
    outcomes.set(deliveryId, { kind: isNew ? "applied" : "duplicate" });
  }

  const folded = earlierThanFolded
    ? "out-of-order"
    : foldInOrder(stream.folded, stream.entityId, [...added.values()]);
  return { entityId: stream.entityId, outcomes, entries, folded };
}
