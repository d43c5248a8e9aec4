import type { Ticks } from "@dossier/events";
import { inBatches } from "../database/cursor.ts";
import type { Connection } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import type { ChainedEntry } from "./chain.ts";
import { DELIVERIES_AT_ONCE, ofRow as ofDeliveryRow, type DeliveryRow } from "./deliveries.ts";

type EntryRow = LogRow & (DeliveryRow | Missing);

/** The delivery's columns, where there is no such delivery. */
type Missing = { readonly [column in Exclude<keyof DeliveryRow, "delivery_id">]: null };

interface LogRow {
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
  readonly outcome: string | null;
  readonly head_seq: bigint | null;
  readonly head_hash: Buffer | null;
}

const selectEvidence = statement("select_evidence");

/** One person's entries, or all persons' (`undefined`), each person's by `seq`, the persons by id. */
export async function* readEntries(
  connection: Connection,
  entityId: string | undefined,
): AsyncGenerator<readonly ChainedEntry[]> {
  const query = { ...selectEvidence, values: [entityId ?? null] };
  for await (const rows of inBatches<EntryRow>(connection, query, DELIVERIES_AT_ONCE)) yield rows.map(ofRow);
}

function ofRow(row: EntryRow): ChainedEntry {
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
    delivery: row.body === null ? null : ofDeliveryRow(row),
    outcome: row.outcome,
    head:
      row.head_seq === null || row.head_hash === null
        ? null
        : { seq: Number(row.head_seq), hash: row.head_hash },
  };
}
