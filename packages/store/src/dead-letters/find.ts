import {
  formatTicks,
  plainMessage,
  type DeadLetter,
  type DeadLetterReason,
  type Issue,
  type Ticks,
} from "@dossier/events";
import { endOfPage, type PageRequest } from "../database/page.ts";
import type { Pool } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import { boundedCount, COUNTED_UP_TO, type BoundedCount } from "../worklist/bounded-count.ts";

/** Whether an operator has still to decide. */
export type DeadLetterStatus = "dead-lettered" | "discarded";

/** Selects dead letters. All conditions that are set must hold. */
export interface DeadLetterFilter {
  /** Default: dead-lettered. */
  readonly status?: DeadLetterStatus | undefined;
  readonly reason?: DeadLetterReason | undefined;
  /** The event's type, such as `NaturalPersonPending`. */
  readonly event?: string | undefined;
  readonly entityId?: string | undefined;
  /** Dead-lettered before this time. */
  readonly before?: Ticks | undefined;
  /** Dead-lettered at this time or later. */
  readonly since?: Ticks | undefined;
  /** Occurs, character for character, in the delivery's bytes or in the message. */
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
  /** Who discarded it, why and when; `null` unless it is discarded. */
  readonly discard: { readonly decidedBy: string; readonly reason: string; readonly at: string } | null;
}

export interface DeadLetterPage {
  /** The latest first. */
  readonly items: readonly DeadLetterSummary[];
  /** The next page's `after`; `undefined` if there is none. */
  readonly next: bigint | undefined;
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
  /** JSON. */
  readonly discard: string | null;
}

/** Selects dead letters by the values of `filterValues`, its first parameters. */
export const { text: fromDeadLetters } = sqlFile("from_dead_letters");

const selectDeadLetters = sql(
  "select_dead_letters",
  `select delivery_id, dead_letter_id, reason, message, event, id, entity_id, code_version,
     (extract(epoch from dead_lettered_at) * 10000000)::bigint as dead_lettered_ticks,
     (select (extract(epoch from received_at) * 10000000)::bigint from deliveries
      where deliveries.delivery_id = settlements.delivery_id) as received_ticks,
     case when settled_as = 'discarded' then (
       select json_build_object('decidedBy', decided_by, 'reason', decisions.reason,
         'ticks', (extract(epoch from decided_at) * 10000000)::bigint::text)
       from decisions
       where decisions.delivery_id = settlements.delivery_id and action = 'discard'
       order by decision_id desc limit 1) end as discard
   ${fromDeadLetters}
   and ($8::bigint is null or dead_letter_id < $8) order by dead_letter_id desc limit $9`,
);

/**
 * Returns a page of the deliveries that are dead-lettered now, or discarded.
 */
export async function listDeadLetters(
  pool: Pool,
  filter: DeadLetterFilter,
  { limit, after }: PageRequest<bigint>,
): Promise<DeadLetterPage> {
  const { rows } = await pool.query<Row>({
    ...selectDeadLetters,
    values: [...filterValues(filter), after, limit],
  });
  const items = rows.map((row) => ({
    deliveryId: row.delivery_id,
    reason: row.reason,
    message: plainMessage(row),
    event: row.event,
    id: row.id,
    entityId: row.entity_id,
    codeVersion: row.code_version,
    receivedAt: formatTicks(row.received_ticks),
    deadLetteredAt: formatTicks(row.dead_lettered_ticks),
    discard: row.discard === null ? null : parseDiscard(row.discard),
  }));
  return { items, next: endOfPage(rows, limit)?.dead_letter_id };
}

function parseDiscard(json: string): DeadLetterSummary["discard"] {
  const { ticks, ...decision } = JSON.parse(json) as { decidedBy: string; reason: string; ticks: string };
  return { ...decision, at: formatTicks(BigInt(ticks)) };
}

/**
 * Returns all dead letters that match a filter, in pages of `limit`, from the latest to the earliest. A delivery that is
 * dead-lettered (again) meanwhile is not among them, so a caller that redrives them all comes to an end.
 */
export async function* pageDeadLetters(
  pool: Pool,
  filter: DeadLetterFilter,
  limit: number,
): AsyncGenerator<readonly DeadLetterSummary[]> {
  for (let after: bigint | undefined; ;) {
    const { items, next } = await listDeadLetters(pool, filter, { limit, after });
    if (items.length > 0) yield items;
    if (next === undefined) return;
    after = next;
  }
}

// There may be very many. Their reasons are in an index, so that counting them reads no dead letter.
const FROM_UNDECIDED = `from settlements
  where settled_as = $1 and settled_as in ('dead-lettered', 'discarded') and ($2::text is null or dead_letter_reason = $2)`;

const countUndecided = sql(
  "count_undecided",
  `select dead_letter_reason as reason, count(*) as count ${FROM_UNDECIDED} group by dead_letter_reason`,
);
const countFound = sql(
  "count_dead_letters",
  `select reason, count(*) as count ${fromDeadLetters} group by reason`,
);

/** Returns how many deliveries are dead-lettered now, or discarded, exactly, by reason. */
export async function countDeadLetters(
  pool: Pool,
  filter: DeadLetterFilter,
): Promise<Readonly<Partial<Record<DeadLetterReason, number>>>> {
  const statement = isByReasonAlone(filter)
    ? { ...countUndecided, values: undecidedValues(filter) }
    : { ...countFound, values: filterValues(filter) };
  const { rows } = await pool.query<{ reason: DeadLetterReason; count: bigint }>(statement);
  return Object.fromEntries(
    rows
      .map(({ reason, count }) => [reason, Number(count)] as const)
      .toSorted(([a], [b]) => a.localeCompare(b)),
  );
}

const countSomeUndecided = sql(
  "count_some_undecided",
  `select count(*) as count from (select ${FROM_UNDECIDED} limit $3) as counted`,
);
const countSomeFound = sql(
  "count_some_dead_letters",
  `select count(*) as count from (select ${fromDeadLetters} limit $8) as counted`,
);

/** Returns how many dead letters match a filter; counts no further than a page shows. */
export async function countDeadLettersBounded(pool: Pool, filter: DeadLetterFilter): Promise<BoundedCount> {
  const limit = COUNTED_UP_TO + 1;
  const statement = isByReasonAlone(filter)
    ? { ...countSomeUndecided, values: [...undecidedValues(filter), limit] }
    : { ...countSomeFound, values: [...filterValues(filter), limit] };
  const { rows } = await pool.query<{ count: bigint }>(statement);
  return boundedCount(rows[0]?.count ?? 0n);
}

function isByReasonAlone({ event, entityId, before, since, text }: DeadLetterFilter): boolean {
  return [event, entityId, before, since, text].every((condition) => condition === undefined);
}

function undecidedValues({ status = "dead-lettered", reason }: DeadLetterFilter): unknown[] {
  return [status, reason];
}

/** Returns the parameters of `fromDeadLetters`. */
export function filterValues(filter: DeadLetterFilter): unknown[] {
  const { status = "dead-lettered", reason, event, entityId, before, since, text } = filter;
  return [reason, event, entityId, before, since, text === undefined ? undefined : Buffer.from(text), status];
}

const selectDeadLettered = sqlFile("select_dead_lettered");

/**
 * Returns the dead letters of those of the deliveries that are dead-lettered now, or discarded, without their identities.
 */
export async function findDeadLettered(
  pool: Pool,
  deliveryIds: readonly string[],
  status: DeadLetterStatus = "dead-lettered",
): Promise<ReadonlyMap<string, DeadLetter>> {
  const { rows } = await pool.query<{
    delivery_id: string;
    reason: DeadLetterReason;
    message: string;
    issues: string;
  }>({
    ...selectDeadLettered,
    values: [deliveryIds, status],
  });
  return new Map(
    rows.map(({ delivery_id, reason, message, issues }) => [
      delivery_id,
      { reason, message: plainMessage({ reason, message }), issues: JSON.parse(issues) as Issue[] },
    ]),
  );
}
