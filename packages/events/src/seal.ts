import { createHash, hash } from "node:crypto";
import type { Ticks } from "./ticks.ts";

// Chains that are continued after commits, each by one transaction at a time: the change feed, and the seals of dead
// letters and decisions. Both begin with `CHAIN_START`.

/** Returns SHA-256 over the hashes of a transaction's changes in the log, in the order of the change feed. */
export function changesHash(hashes: readonly Buffer[]): Buffer {
  const digest = createHash("sha256");
  for (const each of hashes) digest.update(each);
  return digest.digest();
}

/** A transaction that changed persons, as the change feed has it. */
export interface FeedAppend {
  readonly appendId: bigint;
  readonly firstPosition: bigint;
  readonly size: number;
  /** See `changesHash`: through it the feed's chain covers the order of the changes. */
  readonly changesHash: Buffer;
}

/** Returns SHA-256 of the previous hash and the whole append. */
export function feedHash(previous: Buffer, append: FeedAppend): Buffer {
  return hashLink(previous, [
    append.appendId.toString(),
    append.firstPosition.toString(),
    append.size,
    append.changesHash.toString("hex"),
  ]);
}

export type SealedRecord = SealedDeadLetter | SealedDecision;

interface SealedFields {
  readonly recordId: bigint;
  readonly deliveryId: string;
  readonly reason: string;
  /** When Postgres recorded it. */
  readonly atTicks: Ticks;
}

export interface SealedDeadLetter extends SealedFields {
  readonly kind: "dead-letter";
  readonly message: string;
  readonly issuesJson: string;
  readonly event: string | null;
  readonly id: string | null;
  readonly entityId: string | null;
  readonly codeVersion: string;
}

export interface SealedDecision extends SealedFields {
  readonly kind: "decision";
  readonly action: string;
  readonly decidedBy: string;
}

/** Returns SHA-256 of the previous hash, the seal's number and the whole record. */
export function sealHash(previous: Buffer, seq: number, record: SealedRecord): Buffer {
  const { kind, recordId, deliveryId, reason, atTicks } = record;
  const fields = [seq, kind, recordId.toString(), deliveryId, reason, atTicks.toString()];
  return hashLink(previous, [
    ...fields,
    ...(record.kind === "dead-letter"
      ? [record.message, record.issuesJson, record.event, record.id, record.entityId, record.codeVersion]
      : [record.action, record.decidedBy]),
  ]);
}

function hashLink(previous: Buffer, fields: readonly (string | number | null)[]): Buffer {
  return hash("sha256", JSON.stringify([previous.toString("hex"), ...fields]), "buffer");
}
