import {
  fold,
  fromLog,
  identityKey,
  parseJson,
  type Entry,
  type Event,
  type EventContent,
  type Folded,
  type JsonObject,
  type KeptDelivery,
  type ParsedEvent,
  type Ticks,
} from "@dossier/events";
import { readInBatches } from "../database/long-read.ts";
import type { Connection } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";

/** An entry of the log, with all that must agree with it. */
export interface ChainedEntry extends Entry {
  readonly hash: Buffer;
  /** A redelivery has the digest of its event in the log; `null` if the log has no such event. */
  readonly dataDigest: Buffer | null;
  readonly delivery: RecordedDelivery | null;
  /** How the delivery is settled; `null` if it is not. */
  readonly settledAs: string | null;
  /** The head of the person's stream; `null` if `streams` has none. */
  readonly head: Head | null;
}

/** The last entry of a chain. */
export interface Head {
  readonly seq: number;
  readonly hash: Buffer;
}

/** A delivery as it was recorded. */
export interface RecordedDelivery extends KeptDelivery {
  readonly digest: Buffer;
  readonly receivedTicks: Ticks;
}

export interface DeliveryRow {
  readonly delivery_id: string;
  readonly body: Buffer;
  readonly headers: string;
  readonly verified_by: "signature" | "payload-secret";
  readonly secret_fingerprint: string;
  readonly digest: Buffer;
  readonly delivery_received_ticks: Ticks;
}

export function toDelivery(row: DeliveryRow): RecordedDelivery {
  return {
    deliveryId: row.delivery_id,
    body: row.body,
    headersJson: row.headers,
    verifiedBy: row.verified_by,
    secretFingerprint: row.secret_fingerprint,
    digest: row.digest,
    receivedTicks: row.delivery_received_ticks,
  };
}

type EntryRow = EntryColumns & (DeliveryRow | NoDelivery);

/** The delivery's columns, if there is no such delivery. */
type NoDelivery = { readonly [column in Exclude<keyof DeliveryRow, "delivery_id">]: null };

interface EntryColumns {
  readonly entity_id: string;
  readonly seq: bigint;
  readonly kind: "event" | "redelivery";
  readonly event: string;
  readonly id: string;
  readonly ticks: Ticks;
  readonly data: string | null;
  readonly data_digest: Buffer | null;
  readonly delivery_id: string;
  readonly received_ticks: Ticks;
  readonly delivery_digest: Buffer;
  readonly hash: Buffer;
  readonly settled_as: string | null;
  readonly head_seq: bigint | null;
  readonly head_hash: Buffer | null;
}

/** Rows with a delivery that are in memory together: a delivery may take a megabyte. */
export const BATCH_SIZE = 100;

const selectEntries = sqlFile("select_entries");

/** Reads the entries of one person, or of all (`undefined`): by entity id, then by `seq`. */
export async function* readEntries(
  connection: Connection,
  entityId: string | undefined,
): AsyncGenerator<readonly ChainedEntry[]> {
  const query = { ...selectEntries, values: [entityId ?? null] };
  for await (const rows of readInBatches<EntryRow>(connection, query, BATCH_SIZE)) yield rows.map(toEntry);
}

function toEntry(row: EntryRow): ChainedEntry {
  return {
    kind: row.kind,
    entityId: row.entity_id,
    seq: Number(row.seq),
    event: row.event,
    id: row.id,
    ticks: row.ticks,
    dataJson: row.data,
    dataDigest: row.data_digest,
    deliveryId: row.delivery_id,
    receivedTicks: row.received_ticks,
    deliveryDigest: row.delivery_digest,
    hash: row.hash,
    delivery: row.body === null ? null : toDelivery(row),
    settledAs: row.settled_as,
    head:
      row.head_seq === null || row.head_hash === null
        ? null
        : { seq: Number(row.head_seq), hash: row.head_hash },
  };
}

/** Folds one person from the entries of a chain. Takes memory for the person's events. */
export interface EntryFold {
  /**
   * Adds the next entry, by `seq`.
   *
   * @param parsed what the delivery's bytes say, which saves parsing the log's data if both are equal
   */
  add(entry: ChainedEntry, parsed: ParsedEvent | undefined): void;
  /** Returns the person folded by this code; `undefined` if there was no event. */
  fold(): Folded | undefined;
}

export function foldEntries(): EntryFold {
  const events = new Map<string, Event>();
  return {
    add(entry, parsed) {
      const { entityId, event, id, ticks, dataJson } = entry;
      const key = identityKey(entry);
      const known = events.get(key);
      if (known !== undefined && ticks < known.ticks) events.set(key, { ...known, ticks });
      if (dataJson !== null)
        events.set(key, { entityId, event, id, ticks, content: contentOf(entry, dataJson, parsed) });
    },
    fold() {
      const [first] = events.values();
      return first && fold(first.entityId, [...events.values()]);
    },
  };
}

function contentOf(entry: ChainedEntry, dataJson: string, parsed: ParsedEvent | undefined): EventContent {
  if (parsed?.dataJson === dataJson && parsed.event === entry.event) return parsed.content;
  try {
    return fromLog({ ...entry, data: parseJson(dataJson) as JsonObject }).content;
  } catch {
    // Data that were never appended: the chain's check reports them.
    return "unrecognised";
  }
}
