import { WITHOUT_LIMIT } from "../database/cursor.ts";
import type { Connection } from "../database/pool.ts";
import { statement, type Statement } from "../database/statements.ts";
import type { Check, Report } from "./findings.ts";

interface ConsistencyCheck {
  readonly check: Check;
  /** Where the row is that has no counterpart. */
  readonly table: string;
  /** Gives the first row that does not fit, and how many there are. */
  readonly statement: Statement;
}

/** What must hold between tables, whatever the chains say: this is what finds a person who is gone altogether. */
const CONSISTENCY_CHECKS: readonly ConsistencyCheck[] = [
  { check: "log-row-missing", table: "settlements", statement: statement("check_log_row_missing") },
  { check: "logged-twice", table: "deliveries", statement: statement("check_logged_twice") },
  { check: "unsettled", table: "deliveries", statement: statement("check_unsettled") },
  { check: "open-and-settled", table: "open_deliveries", statement: statement("check_open_and_settled") },
  { check: "delivery-missing", table: "settlements", statement: statement("check_delivery_missing") },
  { check: "dead-letter-missing", table: "settlements", statement: statement("check_dead_letter_missing") },
  { check: "append", table: "appends", statement: statement("check_appends") },
];

const headAlone: ConsistencyCheck = {
  check: "head",
  table: "streams",
  statement: statement("check_head_alone"),
};

/** Checks that each person of whom there is a head, or this one, has entries. */
export function checkHeads(
  connection: Connection,
  entityId: string | undefined,
  report: Report,
): Promise<void> {
  return runCheck(connection, headAlone, report, [entityId ?? null]);
}

/** Checks that inbox, log, settlements and dead letters agree with one another. */
export async function checkConsistency(connection: Connection, report: Report): Promise<void> {
  for (const check of CONSISTENCY_CHECKS) await runCheck(connection, check, report);
}

async function runCheck(
  connection: Connection,
  { check, table, statement }: ConsistencyCheck,
  report: Report,
  values: unknown[] = [],
): Promise<void> {
  const { rows } = await connection.query<{
    delivery_id?: string;
    entity_id?: string;
    expected: string;
    found: string;
    rows: bigint;
  }>({ ...statement, values, ...WITHOUT_LIMIT });
  for (const { delivery_id: deliveryId, entity_id: entityId, expected, found, rows: count } of rows)
    report(
      check,
      { table, ...(deliveryId && { deliveryId }), ...(entityId && { entityId }), expected, found },
      Number(count),
    );
}
