import { formatTicks, type Ticks } from "@dossier/events";
import { appendAudit } from "../audit.ts";
import type { Pool } from "../database/pool.ts";
import { sql } from "../database/statements.ts";
import { verifyEvidence } from "./verify.ts";

/** What the audit log says of a verification of one person's evidence. */
export interface PersonVerification {
  readonly at: string;
  readonly who: string;
  /** Entries of the person's chain that were checked. */
  readonly entries: number;
  /** Rows that were found wrong; 0 if nothing is. */
  readonly wrong: number;
  /** The checks that failed, with the first row of each; empty if none did. */
  readonly failed: string;
}

/** Verifies one person's evidence now, and records in the audit log who did it and what was found. */
export async function verifyPerson(pool: Pool, entityId: string, who: string): Promise<void> {
  const { events, redeliveries, findings } = await verifyEvidence(pool, { entityId });
  const wrong = findings.reduce((sum, { rows }) => sum + rows, 0);
  const failed = findings.map(({ check, first: { seq, deliveryId } }) => {
    const where = seq === undefined ? deliveryId : `entry ${seq}`;
    return where === undefined ? check : `${check} (${where})`;
  });
  await appendAudit(pool, {
    who,
    action: "verified",
    subject: entityId,
    detail: { entries: events + redeliveries, wrong, failed: failed.join(", ") },
  });
}

const selectVerification = sql(
  "select_person_verification",
  `select (extract(epoch from at) * 10000000)::bigint as ticks, who, detail::text
   from audit_log where subject = $1 and action = 'verified' order by at desc, audit_id desc limit 1`,
);

/** Returns the last verification of one person's evidence; `undefined` if there was none. */
export async function findLastVerification(
  pool: Pool,
  entityId: string,
): Promise<PersonVerification | undefined> {
  const { rows } = await pool.query<{ ticks: Ticks; who: string; detail: string }>({
    ...selectVerification,
    values: [entityId],
  });
  return rows.map(({ ticks, who, detail }) => ({
    ...(JSON.parse(detail) as Omit<PersonVerification, "at" | "who">),
    at: formatTicks(ticks),
    who,
  }))[0];
}
