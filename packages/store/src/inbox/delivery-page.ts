import { formatTicks, type DeadLetterReason, type Ticks } from "@dossier/events";
import { MAX_BYTES } from "../database/groups.ts";
import type { PageRequest } from "../database/page.ts";
import type { Pool } from "../database/pool.ts";
import { MAX_PAGE_BYTES, sql, sqlFile, type Statement } from "../database/statements.ts";
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

/** Deliveries that one page searches at most for ones that match, and bytes of their bodies. */
const MAX_SEARCHED = 5_000;
const MAX_SEARCHED_BYTES = 4 * MAX_BYTES;

/** Ids begin with the time of ingest's clock, which may differ from Postgres' by so much. In milliseconds. */
const CLOCK_TOLERANCE = 10 * 60_000;

const LEAST_ID = "00000000-0000-0000-0000-000000000000";
const GREATEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

interface Row {
  readonly delivery_id: string;
  /** Among those that were searched, from 1. */
  readonly number: bigint;
  /** Whether it was the last one to be searched for this page. */
  readonly is_end: boolean;
  readonly matches: boolean;
  /** How many rows there were before the page was cut to so many bytes. */
  readonly listed: bigint;
  readonly status: DeliveryStatus;
  readonly reason: DeadLetterReason | null;
  readonly bytes: number;
  readonly verified_by: string;
  readonly secret_fingerprint: string;
  readonly received_ticks: bigint;
  readonly body: Buffer | null;
}

const RANGE =
  "delivery_id < $1::uuid and delivery_id >= $2::uuid order by delivery_id desc limit $4::integer";

/** Reads the deliveries that `ids` selects, one after the other, unless a condition says that it need not. */
const deliveriesOf = (ids: string, condition = "true") =>
  `select ids.delivery_id, received_at, verified_by, secret_fingerprint, body, candidate_status
   from (${ids}) as ids left join lateral (
     select * from deliveries where deliveries.delivery_id = ids.delivery_id and ${condition} offset 0
   ) as delivery on true`;

/** What is searched, in the order of ids, with the status if that is known or filtered. */
const SOURCES = {
  all: `select delivery_id, received_at, verified_by, secret_fingerprint, body, null::text as candidate_status
    from deliveries where ${RANGE}`,
  open: deliveriesOf(`select delivery_id, 'open' as candidate_status from open_deliveries where ${RANGE}`),
  undecided: deliveriesOf(
    `select delivery_id, settled_as as candidate_status from settlements
     where settled_as in ('dead-lettered', 'discarded') and settled_as = $3 and ${RANGE}`,
  ),
  // The others are only counted.
  settled: deliveriesOf(
    `select delivery_id, settled_as as candidate_status from settlements where ${RANGE}`,
    "candidate_status = $3",
  ),
  person: deliveriesOf(
    `select delivery_id, coalesce((
       select settled_as from settlements where settlements.delivery_id = concerned.delivery_id
     ), 'open') as candidate_status
     from (
       select delivery_id from events where entity_id = $13
       union select delivery_id from redeliveries where entity_id = $13
       union select delivery_id from dead_letters where entity_id = $13
       union select unnest($14::uuid[])
     ) as concerned where ${RANGE}`,
  ),
};

const { text: searchSource } = sqlFile("select_delivery_page");
const SELECT_PAGE = Object.fromEntries(
  Object.entries(SOURCES).map(([name, source]) => [
    name,
    sql(
      `select_delivery_page_${name}`,
      searchSource.replace("(SOURCE)", () => `(${source})`),
    ),
  ]),
) as Readonly<Record<keyof typeof SOURCES, Statement>>;

function sourceOf({ status, entityId }: DeliveryFilter): keyof typeof SOURCES {
  if (entityId !== undefined) return "person";
  if (status === undefined) return "all";
  if (status === "open") return "open";
  return status === "applied" || status === "duplicate" ? "settled" : "undecided";
}

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
  const { status, event, entityId, secretFingerprint, since, before, text } = filter;
  const upper = before === undefined ? GREATEST_ID : idAt(before, CLOCK_TOLERANCE);
  const { rows } = await pool.query<Row>({
    ...SELECT_PAGE[sourceOf(filter)],
    values: [
      after !== undefined && after < upper ? after : upper,
      since === undefined ? LEAST_ID : idAt(since, -CLOCK_TOLERANCE),
      status,
      MAX_SEARCHED,
      MAX_SEARCHED_BYTES,
      secretFingerprint,
      since,
      before,
      event === undefined ? undefined : Buffer.from(event),
      limit,
      MAX_PAGE_BYTES,
      text === undefined ? undefined : Buffer.from(text),
      ...(entityId === undefined ? [] : [entityId, await findOpen(pool, entityId)]),
    ],
  });
  const last = rows.at(-1);
  return {
    deliveries: rows
      .filter(({ matches }) => matches)
      .map(toSummary)
      .filter((delivery) => event === undefined || delivery.event === event),
    next: last && isAll(last, rows.length) ? undefined : last?.delivery_id,
    searched: Number(last?.number ?? 0),
  };
}

async function findOpen(pool: Pool, entityId: string): Promise<readonly string[]> {
  const { found } = await searchOpenDeliveries(pool, entityId);
  return found.map(({ deliveryId }) => deliveryId);
}

/** Whether there is nothing to be searched behind the last row. */
function isAll({ is_end, number, listed }: Row, rows: number): boolean {
  return is_end && number < MAX_SEARCHED && Number(listed) === rows;
}

/** Returns the least id of a time. */
function idAt(ticks: Ticks, offsetMs: number): string {
  const milliseconds = Number(ticks / 10_000n) + offsetMs;
  const hex = Math.max(0, Math.min(milliseconds, 2 ** 48 - 1))
    .toString(16)
    .padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}${LEAST_ID.slice(13)}`;
}

function toSummary(row: Row): DeliverySummary {
  const identity = row.body === null ? undefined : parseIdentity(row.body);
  return {
    deliveryId: row.delivery_id,
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
