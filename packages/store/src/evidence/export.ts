import { createHash } from "node:crypto";
import { formatTicks, type Ticks } from "@dossier/events";
import { openSnapshot, readInBatches } from "../database/long-read.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { searchOpenDeliveries } from "../inbox/open-search.ts";
import { BATCH_SIZE, foldEntries, readEntries, type ChainedEntry, type DeliveryRow } from "./entries.ts";
import { FORMAT, FORMAT_VERSION, type EvidenceLine } from "./format.ts";

/**
 * Returns all evidence of one person, as of one time, as the lines of a file (each without its line feed) that
 * `verifyEvidenceFile` checks without a database: open deliveries too, as far as `searchOpenDeliveries` finds them. The
 * person is folded by this code. Holds personal data. The file of an unknown person does not verify. Takes memory for
 * the person's events. Throws what Postgres throws.
 *
 * @param codeVersion the version of this code
 */
export async function* exportEvidence(
  pool: Pool,
  entityId: string,
  codeVersion: string,
): AsyncGenerator<string, void, undefined> {
  await using snapshot = await openSnapshot(pool);
  const digest = createHash("sha256");
  let lines = 0;
  for await (const line of readLines(snapshot.connection, entityId, codeVersion)) {
    const text = JSON.stringify(line);
    digest.update(`${text}\n`);
    lines++;
    yield text;
  }
  yield JSON.stringify({ line: "end", lines, sha256: digest.digest("hex") } satisfies EvidenceLine);
}

const selectHead = sqlFile("select_person_head");

async function* readLines(
  connection: Connection,
  entityId: string,
  codeVersion: string,
): AsyncGenerator<EvidenceLine> {
  const { found, ...openDeliveriesSearched } = await searchOpenDeliveries(connection, entityId);
  const openIds = found.map(({ deliveryId }) => deliveryId);
  const heads = await connection.query<{ seq: bigint | null; hash: Buffer | null; now_ticks: Ticks }>({
    ...selectHead,
    values: [entityId],
  });
  for (const { seq, hash, now_ticks } of heads.rows) {
    yield {
      line: "header",
      format: FORMAT,
      version: FORMAT_VERSION,
      entityId,
      exportedAt: formatTicks(now_ticks),
      codeVersion,
      openDeliveriesSearched,
    };
    if (seq !== null && hash !== null) yield { line: "head", seq: Number(seq), hash: hash.toString("hex") };
  }
  yield* readDeliveries(connection, entityId, openIds);
  const person = foldEntries();
  for await (const entries of readEntries(connection, entityId)) {
    for (const entry of entries) person.add(entry, undefined);
    yield* entries.map(toEntryLine);
  }
  yield* readHistory(connection, entityId, openIds);
  // Not from the projection, which older code may have written.
  const state = person.fold()?.state;
  if (state !== undefined) yield { line: "person", state };
}

interface SettledRow extends DeliveryRow {
  readonly settled_as: string | null;
  readonly settled_ticks: Ticks | null;
}

const selectDeliveries = sqlFile("select_person_deliveries");

async function* readDeliveries(
  connection: Connection,
  entityId: string,
  openIds: readonly string[],
): AsyncGenerator<EvidenceLine> {
  const query = { ...selectDeliveries, values: [entityId, openIds] };
  for await (const rows of readInBatches<SettledRow>(connection, query, BATCH_SIZE)) {
    for (const row of rows)
      yield {
        line: "delivery",
        deliveryId: row.delivery_id,
        receivedAt: formatTicks(row.delivery_received_ticks),
        verifiedBy: row.verified_by,
        secretFingerprint: row.secret_fingerprint,
        headers: row.headers,
        settlement:
          row.settled_as === null || row.settled_ticks === null
            ? null
            : { settledAs: row.settled_as, settledAt: formatTicks(row.settled_ticks) },
        body: row.body.toString("base64"),
        digest: row.digest.toString("hex"),
      };
  }
}

function toEntryLine(entry: ChainedEntry): EvidenceLine {
  return {
    line: "entry",
    kind: entry.kind,
    seq: entry.seq,
    event: entry.event,
    id: entry.id,
    creationTimeUtc: formatTicks(entry.ticks),
    data: entry.dataJson,
    dataDigest: entry.dataDigest?.toString("hex") ?? null,
    deliveryId: entry.deliveryId,
    receivedAt: formatTicks(entry.receivedTicks),
    deliveryDigest: entry.deliveryDigest.toString("hex"),
    hash: entry.hash.toString("hex"),
  };
}

const selectHistory = sqlFile("select_person_history");

async function* readHistory(
  connection: Connection,
  entityId: string,
  openIds: readonly string[],
): AsyncGenerator<EvidenceLine> {
  const query = { ...selectHistory, values: [entityId, openIds] };
  for await (const rows of readInBatches<{
    line: "failed-attempt" | "dead-letter" | "decision";
    delivery_id: string;
    at_ticks: Ticks;
    content: string;
  }>(connection, query, 1_000)) {
    for (const { line, delivery_id: deliveryId, at_ticks, content } of rows)
      yield { line, deliveryId, at: formatTicks(at_ticks), ...JSON.parse(content) } as EvidenceLine;
  }
}
