import { formatTicks, plainMessage, type DeadLetterReason, type Ticks } from "@dossier/events";
import { endOfPage, type PageRequest } from "../database/page.ts";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import type { DeliveryStatus } from "./delivery-history.ts";
import { searchOpenDeliveries, type FoundDelivery, type OpenSearch } from "./open-search.ts";
import { toOpenState, type OpenState, type OpenStateRow } from "./open-state.ts";

/** A delivery that concerns a person. */
export interface PersonDelivery {
  readonly deliveryId: string;
  readonly status: DeliveryStatus;
  /** The event's type and id, as far as they could be parsed. */
  readonly event: string | null;
  readonly id: string | null;
  /** The event's time in this delivery; `null` unless it is known without parsing a dead letter again. */
  readonly creationTimeUtc: string | null;
  readonly bytes: number;
  readonly receivedAt: string;
  /** `null` while it is open. */
  readonly settledAt: string | null;
  /** `null` once it is settled. */
  readonly open: OpenState | null;
  /** Why it was dead-lettered the last time, whatever became of it; `null` if it never was. */
  readonly lastDeadLetter: { readonly reason: DeadLetterReason; readonly message: string } | null;
}

export interface PersonDeliveryPage {
  /** The latest first, by id. */
  readonly deliveries: readonly PersonDelivery[];
  /** The next page's `after`; `undefined` if there is none. */
  readonly next: string | undefined;
  readonly openDeliveriesSearched: OpenSearch;
}

type Row = {
  readonly delivery_id: string;
  readonly status: DeliveryStatus;
  readonly event: string | null;
  readonly id: string | null;
  readonly ticks: bigint | null;
  readonly bytes: number;
  readonly received_ticks: bigint;
  readonly settled_ticks: bigint | null;
} & (OpenStateRow | { readonly attempts: null }) &
  ({ readonly reason: DeadLetterReason; readonly message: string } | { readonly reason: null });

const selectPage = sqlFile("select_person_delivery_page");

/**
 * Returns a page of the deliveries that concern a person: those in the log, those with a dead letter that names the
 * person, and the open ones whose bytes do, as far as `searchOpenDeliveries` finds them.
 *
 * @param status only those with it
 * @param page at most `limit` deliveries, with ids less than `after`
 */
export async function listPersonDeliveries(
  pool: Pool,
  entityId: string,
  status: DeliveryStatus | undefined,
  page: PageRequest<string>,
): Promise<PersonDeliveryPage> {
  const { found, ...openDeliveriesSearched } = await searchOpenDeliveries(pool, entityId);
  return { ...(await selectDeliveries(pool, { entityId, status, found, page })), openDeliveriesSearched };
}

/** Which deliveries that are not settled are listed: those received by a time, if it is given. */
interface UnsettledRequest {
  readonly limit: number;
  readonly receivedBy: Ticks | undefined;
}

/**
 * Returns the dead letters of a person, and then the open deliveries, `limit` of each at most, the latest first, and
 * whether there are more.
 */
export async function listUnsettledDeliveries(
  pool: Pool,
  entityId: string,
  { limit, receivedBy }: UnsettledRequest,
): Promise<{ readonly deliveries: readonly PersonDelivery[]; readonly isMore: boolean }> {
  const list = (status: DeliveryStatus, found: readonly FoundDelivery[]) =>
    selectDeliveries(pool, { entityId, status, found, page: { limit }, receivedBy });
  const [dead, open] = await Promise.all([
    list("dead-lettered", []),
    searchOpenDeliveries(pool, entityId).then(({ found }) => list("open", found)),
  ]);
  return {
    deliveries: [...dead.deliveries, ...open.deliveries],
    isMore: dead.next !== undefined || open.next !== undefined,
  };
}

interface Selection {
  readonly entityId: string;
  readonly status: DeliveryStatus | undefined;
  /** Those that were found among the open ones. */
  readonly found: readonly FoundDelivery[];
  readonly page: PageRequest<string>;
  readonly receivedBy?: Ticks | undefined;
}

async function selectDeliveries(
  pool: Pool,
  { entityId, status, found, page: { limit, after }, receivedBy }: Selection,
): Promise<Omit<PersonDeliveryPage, "openDeliveriesSearched">> {
  const { rows } = await pool.query<Row>({
    ...selectPage,
    values: [
      entityId,
      found.map(({ deliveryId }) => deliveryId),
      found.map(({ event }) => event),
      found.map(({ id }) => id),
      after,
      limit,
      status,
      found.map(({ ticks }) => ticks),
      receivedBy,
    ],
  });
  return {
    deliveries: rows.map(toDelivery),
    next: endOfPage(rows, limit)?.delivery_id,
  };
}

function toDelivery(row: Row): PersonDelivery {
  return {
    deliveryId: row.delivery_id,
    status: row.status,
    event: row.event,
    id: row.id,
    creationTimeUtc: row.ticks === null ? null : formatTicks(row.ticks),
    bytes: row.bytes,
    receivedAt: formatTicks(row.received_ticks),
    settledAt: row.settled_ticks === null ? null : formatTicks(row.settled_ticks),
    open: row.attempts === null ? null : toOpenState(row),
    lastDeadLetter: row.reason === null ? null : { reason: row.reason, message: plainMessage(row) },
  };
}

/** The deliveries of a person that are not in the log. */
export interface PersonDeliveryCounts {
  readonly open: number;
  readonly deadLettered: number;
  readonly discarded: number;
  readonly openDeliveriesSearched: OpenSearch;
}

const countDeliveries = sqlFile("count_person_deliveries");

export async function countPersonDeliveries(pool: Pool, entityId: string): Promise<PersonDeliveryCounts> {
  const { found, ...openDeliveriesSearched } = await searchOpenDeliveries(pool, entityId);
  const { rows } = await pool.query<{ open: bigint; dead_lettered: bigint; discarded: bigint }>({
    ...countDeliveries,
    values: [entityId, found.map(({ deliveryId }) => deliveryId)],
  });
  const { open = 0n, dead_lettered = 0n, discarded = 0n } = rows[0] ?? {};
  return {
    open: Number(open),
    deadLettered: Number(dead_lettered),
    discarded: Number(discarded),
    openDeliveriesSearched,
  };
}
