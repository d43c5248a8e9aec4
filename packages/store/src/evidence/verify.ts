import { LONG_TIMEOUT, openSnapshot, readInBatches } from "../database/long-read.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import { checkDeliveryDigest, createChainChecker } from "./chain.ts";
import {
  BATCH_SIZE,
  foldEntries,
  readEntries,
  toDelivery,
  type DeliveryRow,
  type EntryFold,
} from "./entries.ts";
import { collectFindings, type EvidenceCheck, type Finding, type ReportMismatch } from "./findings.ts";
import { checkFeed, checkSeals } from "./late-chains.ts";
import { createProjectionChecker } from "./projection.ts";

export interface VerifyOptions {
  /**
   * Verifies only this person and the deliveries that are known to concern the person, which open ones are not.
   * Default: everything, and that nothing is missing between the inbox and the log.
   */
  readonly entityId?: string;
  /** Called after each batch, with how many entries are checked, of how many. */
  readonly onProgress?: (checked: number, entries: number) => void;
}

export interface EvidenceVerification {
  /** What is wrong; empty if nothing is. */
  readonly findings: readonly Finding[];
  /** What could not be checked, and why. Only an evidence file has notes. */
  readonly notes: readonly string[];
  readonly persons: number;
  readonly events: number;
  readonly redeliveries: number;
  /** All deliveries in the inbox; 0 if one person alone is verified. */
  readonly deliveries: number;
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
 */
export async function verifyEvidence(
  pool: Pool,
  { entityId, onProgress }: VerifyOptions = {},
): Promise<EvidenceVerification> {
  await using snapshot = await openSnapshot(pool);
  const { connection } = snapshot;
  const { report, findings } = collectFindings();
  const { entries, persons, deliveries, unsealed } = await countEvidence(connection, entityId);
  const checked = await checkChains(connection, entityId, report, (count) => onProgress?.(count, entries));
  await runCheck(connection, streamWithoutEntries, report, [entityId ?? null]);
  await checkUnloggedDeliveries(connection, entityId, report);
  if (entityId === undefined) {
    await checkFeed(connection, report);
    await checkSeals(connection, report);
    for (const check of CONSISTENCY_CHECKS) await runCheck(connection, check, report);
  }
  return { findings: findings(), notes: [], persons, ...checked, deliveries, unsealed };
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

const selectUnlogged = sqlFile("select_unlogged_deliveries");

/**
 * Checks the deliveries that have no entry in the log: the open, dead-lettered and discarded ones. Of one person, only
 * those with a dead letter that names the person.
 */
async function checkUnloggedDeliveries(
  connection: Connection,
  entityId: string | undefined,
  report: ReportMismatch,
): Promise<void> {
  const query = { ...selectUnlogged, values: [entityId ?? null] };
  for await (const rows of readInBatches<DeliveryRow>(connection, query, BATCH_SIZE))
    for (const row of rows) checkDeliveryDigest(toDelivery(row), report);
}

/** A query that must return no row. */
interface ConsistencyCheck {
  readonly check: EvidenceCheck;
  /** The table of the row that is wrong. */
  readonly table: string;
  /** Selects the wrong rows by `delivery_id`, `entity_id` or `append_id`, with `expected` and `found`. */
  readonly text: string;
  readonly orderBy: "delivery_id" | "entity_id" | "append_id";
}

/** All entries of the person were removed. */
const streamWithoutEntries: ConsistencyCheck = {
  check: "head",
  table: "streams",
  orderBy: "entity_id",
  text: `
    select entity_id, 'entries up to seq ' || seq as expected, 'none' as found from streams
    where ($1::text is null or entity_id = $1)
      and not exists (select from events where events.entity_id = streams.entity_id)
      and not exists (select from redeliveries where redeliveries.entity_id = streams.entity_id)`,
};

/** What must hold between tables, whatever the chains say: this finds a person who was removed entirely. */
const CONSISTENCY_CHECKS: readonly ConsistencyCheck[] = [
  {
    check: "log-row-missing",
    table: "settlements",
    orderBy: "delivery_id",
    text: `
      select delivery_id, 'a row in events' as expected, 'none' as found from settlements
      where settled_as = 'applied' and not exists (select from events where events.delivery_id = settlements.delivery_id)
      union all
      select delivery_id, 'a row in redeliveries', 'none' from settlements
      where settled_as = 'duplicate'
        and not exists (select from redeliveries where redeliveries.delivery_id = settlements.delivery_id)`,
  },
  {
    check: "logged-twice",
    table: "deliveries",
    orderBy: "delivery_id",
    text: `
      select delivery_id, '1 row in the log' as expected, count(*) || ' rows' as found
      from (select delivery_id from events union all select delivery_id from redeliveries) as entry
      group by delivery_id having count(*) > 1`,
  },
  {
    check: "unsettled",
    table: "deliveries",
    orderBy: "delivery_id",
    text: `
      select delivery_id, 'settled, or open' as expected, 'neither' as found from deliveries
      where not exists (select from settlements where settlements.delivery_id = deliveries.delivery_id)
        and not exists (select from open_deliveries where open_deliveries.delivery_id = deliveries.delivery_id)`,
  },
  {
    check: "open-and-settled",
    table: "open_deliveries",
    orderBy: "delivery_id",
    text: `
      select delivery_id, 'settled, or open' as expected, 'open, and settled as ' || settled_as as found
      from open_deliveries join settlements using (delivery_id)`,
  },
  {
    check: "delivery-missing",
    table: "settlements",
    orderBy: "delivery_id",
    text: `
      select delivery_id, 'a row in deliveries' as expected, 'none' as found
      from (select delivery_id from settlements union all select delivery_id from open_deliveries) as mentioned
      where not exists (select from deliveries where deliveries.delivery_id = mentioned.delivery_id)`,
  },
  {
    check: "dead-letter-missing",
    table: "settlements",
    orderBy: "delivery_id",
    text: `
      select delivery_id, 'a row in dead_letters' as expected, 'none' as found from settlements
      where settled_as in ('dead-lettered', 'discarded')
        and not exists (select from dead_letters where dead_letters.delivery_id = settlements.delivery_id)`,
  },
  {
    check: "decisions",
    table: "settlements",
    orderBy: "delivery_id",
    text: sqlFile("select_wrong_decisions").text,
  },
  {
    check: "never-sealed",
    table: "dead_letters",
    orderBy: "delivery_id",
    text: `
      select delivery_id, 'a seal of dead letter ' || dead_letter_id as expected, 'none' as found from dead_letters
      where not exists (select from seals where kind = 'dead-letter' and record_id = dead_letter_id)
        and not exists (select from unsealed where kind = 'dead-letter' and record_id = dead_letter_id)`,
  },
  {
    check: "never-sealed",
    table: "decisions",
    orderBy: "delivery_id",
    text: `
      select delivery_id, 'a seal of decision ' || decision_id as expected, 'none' as found from decisions
      where not exists (select from seals where kind = 'decision' and record_id = decision_id)
        and not exists (select from unsealed where kind = 'decision' and record_id = decision_id)`,
  },
  { check: "append", table: "appends", orderBy: "append_id", text: sqlFile("select_wrong_appends").text },
];

/** Reports the first row that a check returns, and how many there are. */
async function runCheck(
  connection: Connection,
  { check, table, orderBy, text }: ConsistencyCheck,
  report: ReportMismatch,
  values: unknown[] = [],
): Promise<void> {
  const { rows } = await connection.query<{
    delivery_id?: string;
    entity_id?: string;
    expected: string;
    found: string;
    rows: bigint;
  }>({
    ...sql(
      `check_${check}_${table}`,
      `select *, count(*) over () as rows from (${text}) as wrong order by ${orderBy} limit 1`,
    ),
    values,
    ...LONG_TIMEOUT,
  });
  for (const { delivery_id: deliveryId, entity_id: entityId, expected, found, rows: count } of rows)
    report(
      check,
      { table, ...(deliveryId && { deliveryId }), ...(entityId && { entityId }), expected, found },
      Number(count),
    );
}
