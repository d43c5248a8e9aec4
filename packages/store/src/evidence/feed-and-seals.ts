import { CHAIN_START, feedHash, sealHash } from "@dossier/events";
import { findChainHead, type ChainHead } from "../database/chain-head.ts";
import { readInBatches } from "../database/long-read.ts";
import type { Connection } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { toSealedRecord, type RecordRow } from "../dead-letters/seals.ts";
import type { ReportMismatch } from "./findings.ts";

// The chains that are continued after the commits of what they cover. Each link is checked against the stored hash of the
// one before it, so a changed link does not cause findings in all that follow.

const BATCH_SIZE = 1_000;

interface FeedRow {
  readonly append_id: bigint;
  readonly size: number;
  readonly changes_hash: Buffer;
  readonly first_position: bigint;
  readonly feed_hash: Buffer | null;
}

const selectFeed = sqlFile("select_feed");

/** Checks that the transactions have the positions in the change feed that they were assigned. */
export async function checkFeed(connection: Connection, report: ReportMismatch): Promise<void> {
  let last: ChainHead = { seq: 0n, hash: CHAIN_START };
  for await (const rows of readInBatches<FeedRow>(connection, selectFeed, BATCH_SIZE)) {
    for (const row of rows) {
      const { append_id: appendId, size, changes_hash, first_position: firstPosition, feed_hash } = row;
      const position = last.seq + 1n;
      const expected = feedHash(last.hash, {
        appendId,
        firstPosition: position,
        size,
        changesHash: changes_hash,
      });
      if (feed_hash === null || !expected.equals(feed_hash) || firstPosition !== position)
        report("feed", {
          table: "appends",
          expected: `append ${appendId} at position ${position} with hash ${expected.toString("hex")}`,
          found: `position ${firstPosition} with hash ${feed_hash?.toString("hex") ?? "none"}`,
        });
      last = { seq: firstPosition + BigInt(size) - 1n, hash: feed_hash ?? last.hash };
    }
  }
  checkHead("feed", last, await findChainHead(connection, "feed"), report);
}

type SealRow = { readonly seq: bigint; readonly hash: Buffer } & (
  | RecordRow
  | (Pick<RecordRow, "kind" | "record_id"> & { readonly delivery_id: null })
);

const selectSeals = sqlFile("select_seals");

/** Checks that the dead letters and decisions are as they were sealed. */
export async function checkSeals(connection: Connection, report: ReportMismatch): Promise<void> {
  let last: ChainHead = { seq: 0n, hash: CHAIN_START };
  for await (const rows of readInBatches<SealRow>(connection, selectSeals, BATCH_SIZE)) {
    for (const row of rows) {
      const seq = last.seq + 1n;
      const expected =
        row.delivery_id === null ? undefined : sealHash(last.hash, Number(seq), toSealedRecord(row));
      last = { seq: row.seq, hash: row.hash };
      if (row.seq === seq && expected?.equals(row.hash)) continue;
      report("seal", {
        table: row.kind === "decision" ? "decisions" : "dead_letters",
        ...(row.delivery_id !== null && { deliveryId: row.delivery_id }),
        expected: `${row.kind} ${row.record_id}, sealed as ${row.seq} with hash ${row.hash.toString("hex")}`,
        found: expected === undefined ? "none" : `another, as ${seq} with hash ${expected.toString("hex")}`,
      });
    }
  }
  checkHead("seal", last, await findChainHead(connection, "seals"), report);
}

function checkHead(
  check: "feed" | "seal",
  last: ChainHead,
  head: ChainHead | undefined,
  report: ReportMismatch,
): void {
  if (head?.seq === last.seq && head.hash.equals(last.hash)) return;
  report(check, {
    table: "chain_heads",
    expected: describe(last),
    found: head === undefined ? "none" : describe(head),
  });
}

function describe({ seq, hash }: ChainHead): string {
  return `an end at ${seq} with hash ${hash.toString("hex")}`;
}
