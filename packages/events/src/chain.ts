import { hash } from "node:crypto";
import type { Ticks } from "./ticks.ts";

/** The hash before a person's first entry. */
export const CHAIN_START: Buffer = Buffer.alloc(32);

/**
 * One row of a person's log. `event`: the first send of an event. `redelivery`: a further send of it, which may carry
 * an earlier time but no other data.
 */
export interface Entry {
  readonly kind: "event" | "redelivery";
  readonly entityId: string;
  /** Counts a person's entries, from 1, without a gap. */
  readonly seq: number;
  readonly event: string;
  readonly id: string;
  /** The send's own `creationTimeUtc`. */
  readonly ticks: Ticks;
  /** The canonical text of the event's data; a redelivery has none, as it must equal the event's. */
  readonly dataJson: string | null;
  readonly deliveryId: string;
  /** When the delivery was recorded, by Postgres' clock. */
  readonly receivedTicks: Ticks;
  /** `deliveryDigest` of what is kept of the delivery: so the chain holds the inbox to its word, too. */
  readonly deliveryDigest: Buffer;
}

/** SHA-256 over the hash before and all that an entry says: no byte of it can change, move or go unnoticed. */
export function chainHash(previous: Buffer, entry: Entry): Buffer {
  const link = JSON.stringify([
    previous.toString("hex"),
    entry.kind,
    entry.entityId,
    entry.seq,
    entry.event,
    entry.id,
    entry.ticks.toString(),
    entry.dataJson,
    entry.deliveryId,
    entry.receivedTicks.toString(),
    entry.deliveryDigest.toString("hex"),
  ]);
  return hash("sha256", link, "buffer");
}
