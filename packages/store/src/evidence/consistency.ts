import { LONG_TIMEOUT } from "../database/long-read.ts";
import type { Connection } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import type { EvidenceCheck, Finding } from "./findings.ts";

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
      select delivery_id, coalesce('dead letter ' || last.dead_letter_id || ', ' || last.reason, 'a row in dead_letters') as expected,
        coalesce('dead letter ' || settlements.dead_letter_id || ', ' || settlements.dead_letter_reason, 'none') as found
      from settlements
      left join lateral (
        select dead_letter_id, reason from dead_letters
        where dead_letters.delivery_id = settlements.delivery_id order by dead_letter_id desc limit 1
      ) as last on true
      where settled_as in ('dead-lettered', 'discarded') and (
        last.dead_letter_id is null
        or (last.dead_letter_id, last.reason) is distinct from (settlements.dead_letter_id, settlements.dead_letter_reason)
      )`,
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

/** Checks that the stream of each person, or of one, has entries. */
export function checkStreams(
  connection: Connection,
  entityId: string | undefined,
): Promise<readonly Finding[]> {
  return runCheck(connection, streamWithoutEntries, [entityId ?? null]);
}

/** Checks that inbox, log, dead letters and decisions agree. Returns what does not, in the order of the checks. */
export async function checkConsistency(connection: Connection): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const check of CONSISTENCY_CHECKS) found.push(...(await runCheck(connection, check)));
  return found;
}

/** Returns the first row that a check returns, and how many there are. */
async function runCheck(
  connection: Connection,
  { check, table, orderBy, text }: ConsistencyCheck,
  values: unknown[] = [],
): Promise<readonly Finding[]> {
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
  return rows.map(({ delivery_id: deliveryId, entity_id: entityId, expected, found, rows: count }) => ({
    check,
    first: { table, ...(deliveryId && { deliveryId }), ...(entityId && { entityId }), expected, found },
    rows: Number(count),
  }));
}
