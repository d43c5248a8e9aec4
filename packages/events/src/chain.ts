import { hash } from "node:crypto";
import type { Ticks } from "./ticks.ts";

/** The hash before a person's first entry. */
export const CHAIN_START: Buffer = Buffer.alloc(32);

/** One entry of a person's log: an event, or a redelivery of one, which has equal data but may have an earlier time. */
export interface Entry {
  readonly kind: "event" | "redelivery";
  readonly entityId: string;
  /** Counts a person's entries from 1, without gaps. */
  readonly seq: number;
  readonly event: string;
  readonly id: string;
  /** The delivery's own `creationTimeUtc`. */
  readonly ticks: Ticks;
  /** The canonical text of an event's data; `null` for a redelivery, whose data equals its event's. */
  readonly dataJson: string | null;
  readonly deliveryId: string;
  /** When Postgres recorded the delivery, by its clock. */
  readonly receivedTicks: Ticks;
  /** See `deliveryDigest`: through it the chain covers the inbox too. */
  readonly deliveryDigest: Buffer;
}

/** Returns SHA-256 of the previous hash and the whole entry: a change of any byte of either changes it. */
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
