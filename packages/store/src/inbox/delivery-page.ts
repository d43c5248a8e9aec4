import { formatTicks, type DeadLetterReason, type Ticks } from "@dossier/events";
import { MAX_BYTES } from "../database/groups.ts";
import { endOfPage, type PageRequest } from "../database/page.ts";
import type { Pool } from "../database/pool.ts";
import { MAX_PAGE_BYTES, sqlFile } from "../database/statements.ts";
import type { DeliveryStatus } from "./delivery-history.ts";
import { parseIdentity } from "./identity.ts";
import { searchOpenDeliveries } from "./open-search.ts";

/** Selects deliveries. All conditions that are set must hold. */
export interface DeliveryFilter {
  readonly status?: DeliveryStatus | undefined;
  /** The event's type, such as `NaturalPersonPending`. */
  readonly event?: string | undefined;
  /** In the log or in a dead letter, or in an open delivery as far as `searchOpenDeliveries` finds it. */
  readonly entityId?: string | undefined;
  readonly secretFingerprint?: string | undefined;
  /** Received at this time or later. */
  readonly since?: Ticks | undefined;
  /** Received before this time. */
  readonly before?: Ticks | undefined;
  /** Occurs, character for character, in the bytes. */
  readonly text?: string | undefined;
}

export interface DeliverySummary {
  readonly deliveryId: string;
  readonly status: DeliveryStatus;
  /** Why it is a dead letter, or was discarded; else `null`. */
  readonly reason: DeadLetterReason | null;
  /** The event's identity, as far as the bytes can be parsed; `null` for one that may have stopped a worker. */
  readonly event: string | null;
  readonly id: string | null;
  readonly entityId: string | null;
  readonly bytes: number;
  readonly receivedAt: string;
  readonly verifiedBy: string;
  readonly secretFingerprint: string;
}

export interface DeliveryPage {
  /** The latest first, by id. */
  readonly deliveries: readonly DeliverySummary[];
  /** The next page's `after`; `undefined` if all were searched. A page may be empty and have a next one. */
  readonly next: string | undefined;
  /** How many deliveries were searched for these. */
  readonly searched: number;
}

/** Deliveries that one page searches at most for ones that match, fewer if most of them do, and bytes of their bodies. */
const MAX_SEARCHED = 5_000;
const MAX_SEARCHED_FOR_COMMON = 2_000;
/** Most pages are full after so many. Only for the others are further bodies read. */
const SEARCHED_FIRST = 1_500;
const MAX_SEARCHED_BYTES = 4 * MAX_BYTES;

/** Ids begin with the time of ingest's clock, which may differ from Postgres' by so much. In milliseconds. */
const CLOCK_TOLERANCE = 10 * 60_000;

const LEAST_ID = "00000000-0000-0000-0000-000000000000";
const GREATEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

interface Row {
  readonly candidates: bigint;
  readonly searched: bigint;
  readonly last_searched: string | null;
  /** `null` in the only row of a page without deliveries. */
  readonly delivery_id: string | null;
  readonly status: DeliveryStatus;
  readonly reason: DeadLetterReason | null;
  readonly bytes: number;
  readonly matches: bigint;
  readonly verified_by: string;
  readonly secret_fingerprint: string;
  readonly received_ticks: bigint;
  readonly body: Buffer | null;
}

const selectPage = sqlFile("select_delivery_page");

/**
 * Returns a page of all deliveries, whatever became of them. Whether one matches, only its row says: a page ends when it
 * is full, or when 5,000 deliveries at most were searched for it.
 *
 * @param page at most `limit` deliveries, or fewer if their bodies are large, with ids less than `after`
 */
export async function listDeliveries(
  pool: Pool,
  filter: DeliveryFilter,
  { limit, after }: PageRequest<string>,
): Promise<DeliveryPage> {
  const { entityId, event } = filter;
  const open = entityId === undefined ? undefined : await searchOpenDeliveries(pool, entityId);
  const openIds = open?.found.map(({ deliveryId }) => deliveryId) ?? [];
  const greatest = maxSearchedFor(filter, limit);
  let maxSearched = Math.min(greatest, SEARCHED_FIRST);
  let rows = await search(pool, filter, openIds, { limit, after, maxSearched });
  if (maxSearched < greatest && !isFull(rows, limit) && !isAll(rows, maxSearched)) {
    maxSearched = greatest;
    rows = await search(pool, filter, openIds, { limit, after, maxSearched });
  }
  return {
    deliveries: rows
      .flatMap((row) => (row.delivery_id === null ? [] : toSummary(row, row.delivery_id)))
      .filter((delivery) => event === undefined || delivery.event === event),
    next: nextOf(rows, limit, maxSearched),
    searched: Number(rows[0]?.searched ?? 0),
  };
}

interface Search extends PageRequest<string> {
  readonly maxSearched: number;
}

async function search(
  pool: Pool,
  { status, event, entityId, secretFingerprint, since, before, text }: DeliveryFilter,
  openIds: readonly string[],
  { limit, after, maxSearched }: Search,
): Promise<readonly Row[]> {
  const upper = before === undefined ? GREATEST_ID : idAt(before, CLOCK_TOLERANCE);
  const { rows } = await pool.query<Row>({
    ...selectPage,
    values: [
      after !== undefined && after < upper ? after : upper,
      since === undefined ? LEAST_ID : idAt(since, -CLOCK_TOLERANCE),
      status,
      entityId,
      openIds,
      maxSearched,
      MAX_SEARCHED_BYTES,
      secretFingerprint,
      since,
      before,
      event === undefined ? undefined : Buffer.from(event),
      limit,
      MAX_PAGE_BYTES,
      text === undefined ? undefined : Buffer.from(text),
    ],
  });
  return rows;
}

/** What needs no search is read from an index alone. */
function maxSearchedFor({ status, ...filter }: DeliveryFilter, limit: number): number {
  const { event, entityId, secretFingerprint, text, since, before } = filter;
  if (status === "duplicate" || [event, entityId, secretFingerprint, text].some((one) => one !== undefined))
    return MAX_SEARCHED;
  const isCommon = status === "applied" || since !== undefined || before !== undefined;
  return isCommon ? Math.max(limit, MAX_SEARCHED_FOR_COMMON) : limit;
}

/** Returns where the search goes on: behind the last delivery that was returned, or behind the last searched. */
function nextOf(rows: readonly Row[], limit: number, maxSearched: number): string | undefined {
  const last = rows.at(-1);
  const behind = isFull(rows, limit) ? last?.delivery_id : last?.last_searched;
  return isAll(rows, maxSearched) && !isFull(rows, limit) ? undefined : (behind ?? undefined);
}

/** Whether more match than the page holds, or as many. */
function isFull(rows: readonly Row[], limit: number): boolean {
  const last = rows.at(-1);
  return typeof last?.delivery_id === "string" && endOfPage(rows, limit, last.matches) !== undefined;
}

/** Whether everything was searched. */
function isAll(rows: readonly Row[], maxSearched: number): boolean {
  const last = rows.at(-1);
  return last === undefined || (last.candidates < maxSearched && last.searched === last.candidates);
}

/** Returns the least id of a time. */
function idAt(ticks: Ticks, offsetMs: number): string {
  const milliseconds = Number(ticks / 10_000n) + offsetMs;
  const hex = Math.max(0, Math.min(milliseconds, 2 ** 48 - 1))
    .toString(16)
    .padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}${LEAST_ID.slice(13)}`;
}

function toSummary(row: Row, deliveryId: string): DeliverySummary {
  const identity = row.body === null ? undefined : parseIdentity(row.body);
  return {
    deliveryId,
    status: row.status,
    reason: row.reason,
    event: identity?.event ?? null,
    id: identity?.id ?? null,
    entityId: identity?.entityId ?? null,
    bytes: row.bytes,
    receivedAt: formatTicks(row.received_ticks),
    verifiedBy: row.verified_by,
    secretFingerprint: row.secret_fingerprint,
  };
}
