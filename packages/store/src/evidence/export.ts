import { createHash } from "node:crypto";
import { formatTicks, type Ticks } from "@dossier/events";
import { inBatches } from "../database/cursor.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { openSnapshot } from "../database/snapshot.ts";
import { statement } from "../database/statements.ts";
import type { ChainedEntry } from "./chain.ts";
import { DELIVERIES_AT_ONCE, type DeliveryRow } from "./deliveries.ts";
import { readEntries } from "./entries.ts";
import { FORMAT, FORMAT_VERSION, type EvidenceLine } from "./format.ts";
import { foldEntries } from "./person.ts";

/**
 * Writes all that is kept of one person, of one moment, as the lines of a file (each without its line feed) that
 * `verifyEvidence` checks without a database: the person is what this code folds the events to. Holds personal data,
 * as it came. Of a person who is not known it writes a file that does not verify. Takes memory for the person's
 * events. Throws what Postgres throws.
 *
 * @param codeVersion this code's
 */
export async function* exportEvidence(
  pool: Pool,
  entityId: string,
  codeVersion: string,
): AsyncGenerator<string, void, undefined> {
  await using snapshot = await openSnapshot(pool);
  const digest = createHash("sha256");
  let lines = 0;
  for await (const line of read(snapshot.connection, entityId, codeVersion)) {
    const text = JSON.stringify(line);
    digest.update(`${text}\n`);
    lines++;
    yield text;
  }
  yield JSON.stringify({ line: "end", lines, sha256: digest.digest("hex") } satisfies EvidenceLine);
}

const selectHead = statement("select_person_head");

async function* read(
  connection: Connection,
  entityId: string,
  codeVersion: string,
): AsyncGenerator<EvidenceLine> {
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
    };
    if (seq !== null && hash !== null) yield { line: "head", seq: Number(seq), hash: hash.toString("hex") };
  }
  yield* deliveryLines(connection, entityId);
  const folding = foldEntries();
  for await (const entries of readEntries(connection, entityId)) {
    for (const entry of entries) folding.take(entry);
    yield* entries.map(entryLine);
  }
  yield* incidentLines(connection, entityId);
  // Not as it is stored: that may be by older code, until a rebuild.
  const state = folding.state();
  if (state !== undefined) yield { line: "person", state };
}

interface SettledRow extends DeliveryRow {
  readonly outcome: string | null;
  readonly settled_ticks: Ticks | null;
}

const selectDeliveries = statement("select_person_deliveries");

async function* deliveryLines(connection: Connection, entityId: string): AsyncGenerator<EvidenceLine> {
  const query = { ...selectDeliveries, values: [entityId] };
  for await (const rows of inBatches<SettledRow>(connection, query, DELIVERIES_AT_ONCE)) {
    for (const row of rows)
      yield {
        line: "delivery",
        deliveryId: row.delivery_id,
        receivedAt: formatTicks(row.delivery_received_ticks),
        verifiedBy: row.verified_by,
        secretFingerprint: row.secret_fingerprint,
        headers: row.headers,
        settlement:
          row.outcome === null || row.settled_ticks === null
            ? null
            : { outcome: row.outcome, settledAt: formatTicks(row.settled_ticks) },
        body: row.body.toString("base64"),
        digest: row.digest.toString("hex"),
      };
  }
}

function entryLine(entry: ChainedEntry): EvidenceLine {
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

const selectIncidents = statement("select_person_incidents");

async function* incidentLines(connection: Connection, entityId: string): AsyncGenerator<EvidenceLine> {
  const query = { ...selectIncidents, values: [entityId] };
  for await (const rows of inBatches<{
    line: "failed-attempt" | "dead-letter" | "decision";
    delivery_id: string;
    at_ticks: Ticks;
    content: string;
  }>(connection, query, 1_000)) {
    for (const { line, delivery_id: deliveryId, at_ticks, content } of rows)
      yield { line, deliveryId, at: formatTicks(at_ticks), ...JSON.parse(content) } as EvidenceLine;
  }
}
