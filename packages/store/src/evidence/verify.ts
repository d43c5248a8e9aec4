import { LONG_TIMEOUT, openSnapshot, readInBatches, shareSnapshot } from "../database/long-read.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { searchOpenDeliveries, type OpenSearch } from "../inbox/open-search.ts";
import { checkDeliveryDigest, createChainChecker } from "./chain.ts";
import { checkConsistency, checkStreams } from "./consistency.ts";
import {
  BATCH_SIZE,
  foldEntries,
  readEntries,
  toDelivery,
  type DeliveryRow,
  type EntryFold,
} from "./entries.ts";
import { checkFeed, checkSeals } from "./feed-and-seals.ts";
import { collectFindings, type Finding, type ReportMismatch } from "./findings.ts";
import { createProjectionChecker } from "./projection.ts";

export interface VerifyOptions {
  /**
   * Verifies only this person: the log, the dead letters that name the person, and the open deliveries whose bytes do, as
   * far as `searchOpenDeliveries` finds them. Default: everything, and that nothing is missing between the inbox and the
   * log.
   */
  readonly entityId?: string;
  /** Called after each batch, with how many entries, and deliveries that have none, are checked, of how many. */
  readonly onProgress?: (checked: number, total: number) => void;
}

export interface EvidenceVerification {
  /** What is wrong; empty if nothing is. */
  readonly findings: readonly Finding[];
  /** What could not be checked, and why. Only an evidence file has notes. */
  readonly notes: readonly string[];
  readonly persons: number;
  readonly events: number;
  readonly redeliveries: number;
  /** All deliveries in the inbox; if one person alone is verified, the person's that are not in the log. */
  readonly deliveries: number;
  /** If one person alone is verified: how many of these are open, so that the log may have them later. */
  readonly openDeliveries?: OpenSearch & { readonly found: number };
  /**
   * Dead letters and decisions that have no seal yet, so that a change of one is not found; 0 if one person alone is
   * verified.
   */
  readonly unsealed: number;
  /** How an evidence file is protected. */
  readonly file?: FileProtection;
}

/** What of an evidence file a chain covers, and what only the digest in its last line, which can be computed anew. */
export interface FileProtection {
  /** The end of the person's chain: equal to the database's (`streams.hash`), the chained lines are the database's. */
  readonly chainedUpTo: string | null;
  /** How many lines no chain covers, by kind. */
  readonly digestedOnly: Readonly<Record<string, number>>;
}

/**
 * Checks that the evidence is as it was written: every person's chain, entry by entry, against its hashes, its head and
 * its deliveries; every delivery, logged or not, against its digest; every row of the projection against the log; and,
 * if all persons are verified, the change feed, the dead letters and the decisions against their chains, and that inbox
 * and log agree on what was settled. Checks one state of the database while others write, in memory for one person's
 * events. Throws what Postgres throws.
 *
 * @param pool has two connections at least if all persons are verified, else one
 */
export async function verifyEvidence(
  pool: Pool,
  { entityId, onProgress }: VerifyOptions = {},
): Promise<EvidenceVerification> {
  await using snapshot = await openSnapshot(pool);
  const { connection } = snapshot;
  // Postgres compares whole tables while the chains are walked. What it finds is reported after what they show.
  await using beside = entityId === undefined ? await shareSnapshot(pool, snapshot) : undefined;
  const consistency = beside === undefined ? Promise.resolve([]) : checkConsistency(beside.connection);
  // An error is thrown where it is awaited. Until then it must not count as unhandled.
  consistency.catch(() => undefined);
  const { report, findings } = collectFindings();
  const { entries, persons, deliveries, unsealed } = await countEvidence(connection, entityId);
  // Of one person, no deliveries are counted.
  const total = Math.max(entries, deliveries);
  const checked = await checkChains(connection, entityId, report, (count) => onProgress?.(count, total));
  reportAll(await checkStreams(connection, entityId), report);
  if (entityId !== undefined) {
    const unlogged = await checkPersonsUnlogged(connection, entityId, report);
    return { findings: findings(), notes: [], persons, ...checked, ...unlogged, unsealed };
  }
  await checkUnloggedDeliveries(connection, [null, []], report, (count) =>
    onProgress?.(checked.events + checked.redeliveries + count, total),
  );
  await checkFeed(connection, report);
  await checkSeals(connection, report);
  reportAll(await consistency, report);
  return { findings: findings(), notes: [], persons, ...checked, deliveries, unsealed };
}

function reportAll(findings: readonly Finding[], report: ReportMismatch): void {
  for (const { check, first, rows } of findings) report(check, first, rows);
}

const selectCounts = sqlFile("count_evidence");

async function countEvidence(
  connection: Connection,
  entityId: string | undefined,
): Promise<{ entries: number; persons: number; deliveries: number; unsealed: number }> {
  const { rows } = await connection.query<{
    entries: bigint;
    persons: bigint;
    deliveries: bigint;
    unsealed: bigint;
  }>({
    ...selectCounts,
    values: [entityId ?? null],
    ...LONG_TIMEOUT,
  });
  const { entries = 0n, persons = 0n, deliveries = 0n, unsealed = 0n } = rows[0] ?? {};
  return {
    entries: Number(entries),
    persons: Number(persons),
    deliveries: Number(deliveries),
    unsealed: Number(unsealed),
  };
}

async function checkChains(
  connection: Connection,
  entityId: string | undefined,
  report: ReportMismatch,
  onProgress: (checked: number) => void,
): Promise<Pick<EvidenceVerification, "events" | "redeliveries">> {
  const chains = createChainChecker(report);
  const projection = createProjectionChecker(connection, entityId, report);
  const checked = { events: 0, redeliveries: 0 };
  let person: { readonly entityId: string; readonly folded: EntryFold } | undefined;
  for await (const entries of readEntries(connection, entityId)) {
    for (const entry of entries) {
      if (person?.entityId !== entry.entityId) {
        if (person !== undefined) await projection.next(person.entityId, person.folded.fold());
        person = { entityId: entry.entityId, folded: foldEntries() };
      }
      person.folded.add(entry, chains.next(entry));
      if (entry.delivery !== null) checkDeliveryDigest(entry.delivery, report);
      checked[entry.kind === "event" ? "events" : "redeliveries"]++;
    }
    onProgress(checked.events + checked.redeliveries);
  }
  chains.end();
  if (person !== undefined) await projection.next(person.entityId, person.folded.fold());
  await projection.end();
  return checked;
}

/** As `checkUnloggedDeliveries`, of those that concern one person. */
async function checkPersonsUnlogged(
  connection: Connection,
  entityId: string,
  report: ReportMismatch,
): Promise<Pick<EvidenceVerification, "deliveries" | "openDeliveries">> {
  const { found, ...search } = await searchOpenDeliveries(connection, entityId);
  const values = [entityId, found.map(({ deliveryId }) => deliveryId)];
  const { deliveries, open } = await checkUnloggedDeliveries(connection, values, report);
  return { deliveries, openDeliveries: { found: open, ...search } };
}

const selectUnlogged = sqlFile("select_unlogged_deliveries");

/** Checks and counts the deliveries that have no entry in the log: the open, dead-lettered and discarded ones. */
async function checkUnloggedDeliveries(
  connection: Connection,
  values: readonly unknown[],
  report: ReportMismatch,
  onProgress?: (checked: number) => void,
): Promise<{ deliveries: number; open: number }> {
  const counts = { deliveries: 0, open: 0 };
  const query = { ...selectUnlogged, values: [...values] };
  for await (const rows of readInBatches<DeliveryRow & { readonly open: boolean }>(
    connection,
    query,
    BATCH_SIZE,
  )) {
    for (const row of rows) {
      checkDeliveryDigest(toDelivery(row), report);
      counts.deliveries++;
      if (row.open) counts.open++;
    }
    onProgress?.(counts.deliveries);
  }
  return counts;
}
