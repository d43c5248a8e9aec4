import { formatTicks, type DeadLetterReason, type Ticks } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

/** Which dead letters are meant; what is not given lets all through. */
export interface DeadLetterFilter {
  readonly reason?: DeadLetterReason | undefined;
  /** The event's type, such as `NaturalPersonPending`. */
  readonly event?: string | undefined;
  readonly entityId?: string | undefined;
  /** Died before then. */
  readonly before?: Ticks | undefined;
  /** Died then or later. */
  readonly since?: Ticks | undefined;
  /** Stands, to the letter, in the delivery's bytes or in the message. */
  readonly text?: string | undefined;
}

export interface DeadLetterSummary {
  readonly deliveryId: string;
  readonly reason: DeadLetterReason;
  readonly message: string;
  readonly event: string | null;
  readonly id: string | null;
  readonly entityId: string | null;
  readonly codeVersion: string;
  readonly receivedAt: string;
  readonly deadLetteredAt: string;
  /** Where the next page begins. */
  readonly cursor: bigint;
}

interface Row {
  readonly delivery_id: string;
  readonly dead_letter_id: bigint;
  readonly reason: DeadLetterReason;
  readonly message: string;
  readonly event: string | null;
  readonly id: string | null;
  readonly entity_id: string | null;
  readonly code_version: string;
  readonly dead_lettered_ticks: bigint;
  readonly received_ticks: bigint;
}

const selectDeadLetters = statement("select_dead_letters");

/**
 * The deliveries that are dead now, the latest death first.
 *
 * @param page at most `limit`, and only those that died before the one with the cursor `after`
 */
export async function listDeadLetters(
  pool: Pool,
  filter: DeadLetterFilter,
  page: { readonly limit: number; readonly after?: bigint | undefined },
): Promise<readonly DeadLetterSummary[]> {
  const { rows } = await pool.query<Row>({
    ...selectDeadLetters,
    values: [...filterValues(filter), page.after, page.limit],
  });
  return rows.map((row) => ({
    deliveryId: row.delivery_id,
    reason: row.reason,
    message: row.message,
    event: row.event,
    id: row.id,
    entityId: row.entity_id,
    codeVersion: row.code_version,
    receivedAt: formatTicks(row.received_ticks),
    deadLetteredAt: formatTicks(row.dead_lettered_ticks),
    cursor: row.dead_letter_id,
  }));
}

const countStatement = statement("count_dead_letters");

/** How many deliveries are dead now, exactly, by reason. */
export async function countDeadLetters(
  pool: Pool,
  filter: DeadLetterFilter,
): Promise<Readonly<Partial<Record<DeadLetterReason, number>>>> {
  const { rows } = await pool.query<{ reason: DeadLetterReason; count: bigint }>({
    ...countStatement,
    values: filterValues(filter),
  });
  return Object.fromEntries(rows.map(({ reason, count }) => [reason, Number(count)]));
}

/**
 * All dead letters that a filter means, in pages, from the latest to the earliest. A delivery that dies (again)
 * while the pages are read is not among them: so whoever redrives them all comes to an end.
 */
export async function* pagesOfDeadLetters(
  pool: Pool,
  filter: DeadLetterFilter,
  limit: number,
): AsyncGenerator<readonly DeadLetterSummary[]> {
  for (let after: bigint | undefined; ;) {
    const page = await listDeadLetters(pool, filter, { limit, after });
    if (page.length > 0) yield page;
    after = page.at(-1)?.cursor;
    if (page.length < limit || after === undefined) return;
  }
}

function filterValues({ reason, event, entityId, before, since, text }: DeadLetterFilter): unknown[] {
  return [reason, event, entityId, before, since, text === undefined ? undefined : Buffer.from(text)];
}
