import { WITHOUT_LIMIT } from "../database/cursor.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { openSnapshot } from "../database/snapshot.ts";
import { statement } from "../database/statements.ts";
import { walkChains } from "./chain.ts";
import { checkConsistency, checkHeads } from "./consistency.ts";
import { checkKept, checkUnlogged } from "./deliveries.ts";
import { readEntries } from "./entries.ts";
import { collectFindings, type Finding, type Report } from "./findings.ts";

export interface VerifyOptions {
  /**
   * Verifies this person alone, with the deliveries that are known to tell of the person: an open one is not. Default:
   * all, and that nothing is missing between the inbox and the log.
   */
  readonly entityId?: string;
  /** Called now and then, with how many entries are checked, and how many there are. */
  readonly onProgress?: (checked: number, entries: number) => void;
}

export interface Verification {
  /** What does not fit; empty where everything does. */
  readonly findings: readonly Finding[];
  /** What could not be checked, and why. Of a record there is nothing. */
  readonly notes: readonly string[];
  readonly persons: number;
  readonly events: number;
  readonly redeliveries: number;
  /** All in the inbox; 0 where one person alone is verified. */
  readonly deliveries: number;
}

/**
 * Checks that the evidence is as it was written: every person's chain, entry by entry, against the hashes, the heads
 * and the deliveries; every delivery, told or not, against its digest; and, of all persons, that inbox and log agree
 * on what was settled. All of one moment, while others write; in memory that does not grow with the log. Throws what Postgres
 * throws.
 */
export async function verify(
  pool: Pool,
  { entityId, onProgress }: VerifyOptions = {},
): Promise<Verification> {
  await using snapshot = await openSnapshot(pool);
  const { connection } = snapshot;
  const { report, findings } = collectFindings();
  const { entries, persons, deliveries } = await countEvidence(connection, entityId);
  const walked = await walk(connection, entityId, report, (checked) => onProgress?.(checked, entries));
  await checkHeads(connection, entityId, report);
  await checkUnlogged(connection, entityId, report);
  if (entityId === undefined) await checkConsistency(connection, report);
  return { findings: findings(), notes: [], persons, ...walked, deliveries };
}

const selectCounts = statement("count_evidence");

async function countEvidence(
  connection: Connection,
  entityId: string | undefined,
): Promise<{ entries: number; persons: number; deliveries: number }> {
  const { rows } = await connection.query<{ entries: bigint; persons: bigint; deliveries: bigint }>({
    ...selectCounts,
    values: [entityId ?? null],
    ...WITHOUT_LIMIT,
  });
  const { entries = 0n, persons = 0n, deliveries = 0n } = rows[0] ?? {};
  return { entries: Number(entries), persons: Number(persons), deliveries: Number(deliveries) };
}

async function walk(
  connection: Connection,
  entityId: string | undefined,
  report: Report,
  onProgress: (checked: number) => void,
): Promise<Pick<Verification, "events" | "redeliveries">> {
  const chains = walkChains(report);
  const walked = { events: 0, redeliveries: 0 };
  for await (const entries of readEntries(connection, entityId)) {
    for (const entry of entries) {
      chains.link(entry);
      if (entry.delivery !== null) checkKept(entry.delivery, report);
      walked[entry.kind === "event" ? "events" : "redeliveries"]++;
    }
    onProgress(walked.events + walked.redeliveries);
  }
  chains.end();
  return walked;
}
