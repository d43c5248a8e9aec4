import { sealHash, type SealedRecord } from "@dossier/events";
import { advanceChain, tryLockChain } from "../database/chain-head.ts";
import type { Pool } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import { awaitAll, transaction } from "../database/transaction.ts";

/** A dead letter or a decision as it is stored. */
export interface RecordRow {
  readonly kind: "dead-letter" | "decision";
  readonly record_id: bigint;
  readonly delivery_id: string;
  readonly reason: string;
  readonly at_ticks: bigint;
  readonly message: string;
  readonly issues: string;
  readonly event: string | null;
  readonly id: string | null;
  readonly entity_id: string | null;
  readonly code_version: string;
  readonly action: string;
  readonly decided_by: string;
}

export function toSealedRecord(row: RecordRow): SealedRecord {
  const fields = {
    recordId: row.record_id,
    deliveryId: row.delivery_id,
    reason: row.reason,
    atTicks: row.at_ticks,
  };
  if (row.kind === "decision")
    return { kind: "decision", ...fields, action: row.action, decidedBy: row.decided_by };
  return {
    kind: "dead-letter",
    ...fields,
    message: row.message,
    issuesJson: row.issues,
    event: row.event,
    id: row.id,
    entityId: row.entity_id,
    codeVersion: row.code_version,
  };
}

const hasUnsealed = sql("has_unsealed", "select exists (select from unsealed) as unsealed");
const selectUnsealed = sqlFile("select_unsealed");
const insertSeals = sqlFile("insert_seals");

/** Limits the memory and the time of one transaction. */
const MAX_RECORDS = 1_000;

/**
 * Adds the dead letters and decisions that have committed to a hash chain, so that `verify` finds those that were
 * changed, removed or invented. While one seals, the others do nothing. Returns how many it sealed.
 */
export async function sealRecords(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ unsealed: boolean }>(hasUnsealed);
  if (rows[0]?.unsealed !== true) return 0;
  return transaction(pool, async (connection) => {
    const head = await tryLockChain(connection, "seals");
    if (head === undefined) return 0;
    const { rows: records } = await connection.query<RecordRow>({ ...selectUnsealed, values: [MAX_RECORDS] });
    let { seq, hash } = head;
    const seals = records.map((record) => {
      seq++;
      hash = sealHash(hash, Number(seq), toSealedRecord(record));
      return { seq, hash };
    });
    await awaitAll([
      connection.query({
        ...insertSeals,
        values: [
          seals.map((seal) => seal.seq),
          records.map(({ kind }) => kind),
          records.map(({ record_id }) => record_id),
          seals.map((seal) => seal.hash),
        ],
      }),
      advanceChain(connection, "seals", { seq, hash }),
    ]);
    return records.length;
  });
}
