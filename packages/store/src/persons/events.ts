import {
  compareOrderKeys,
  eventsAt,
  formatTicks,
  identityKey,
  parseJson,
  recognise,
  type EventOrderKey,
  type EventWithDeliveries,
  type JsonObject,
  type LoggedDelivery,
  type PointInTime,
} from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { selectData } from "./projection.ts";

/** A delivery of an event. Times are as `formatTicks` writes them. */
export interface EventDelivery {
  /** Its number in the person's log. */
  readonly seq: number;
  /** The event's time in this delivery. */
  readonly creationTimeUtc: string;
  readonly receivedAt: string;
  readonly deliveryId: string;
}

/** An event of a person. Its `seq`, `receivedAt` and `deliveryId` are those of its first delivery in the log. */
export interface PersonEvent extends EventDelivery {
  readonly event: string;
  readonly id: string;
  /** The earliest time in its deliveries: the event's time in the person's order. */
  readonly creationTimeUtc: string;
  /** Whether this code can read it. An unrecognised event is counted, and changes nothing else. */
  readonly recognised: boolean;
  readonly data: JsonObject;
  /** All its deliveries, in the order of the log. */
  readonly deliveries: readonly EventDelivery[];
}

export interface EventPage {
  readonly events: readonly PersonEvent[];
  /** The next page's `after`; `undefined` if there is none. */
  readonly next: EventOrderKey | undefined;
}

/**
 * Returns a page of a person's events in the person's order; none if nothing is known of the person. An event that
 * arrives out of order between two reads may belong to a page that was read; with `knownAt`, all pages are as of one
 * time.
 *
 * @param page at most `limit` events, with order keys greater than `after`
 */
export async function listEvents(
  pool: Pool,
  entityId: string,
  time: PointInTime,
  { limit, after }: { readonly limit: number; readonly after?: EventOrderKey | undefined },
): Promise<EventPage> {
  if (!isPossibleId(entityId)) return { events: [], next: undefined };
  const events = eventsAt(await selectLoggedDeliveries(pool, [entityId], { withData: false }), time);
  const from = after === undefined ? 0 : events.findIndex((event) => compareOrderKeys(event, after) > 0);
  const page = from === -1 ? [] : events.slice(from, from + limit);
  const dataOf = await selectData(pool, entityId, page);
  const last = page.at(-1);
  return {
    events: page.map((event) => toPersonEvent(event, dataOf.get(identityKey(event)) ?? "{}")),
    next: last && last !== events.at(-1) ? { ticks: last.ticks, event: last.event, id: last.id } : undefined,
  };
}

function toPersonEvent(
  { event, id, ticks, deliveries }: EventWithDeliveries<StreamDelivery>,
  dataJson: string,
): PersonEvent {
  const data = parseJson(dataJson) as JsonObject;
  return {
    ...toEventDelivery(deliveries[0]),
    event,
    id,
    creationTimeUtc: formatTicks(ticks),
    recognised: recognise(event, data).kind === "recognised",
    data,
    deliveries: deliveries.map(toEventDelivery),
  };
}

function toEventDelivery({ seq, ticks, receivedTicks, deliveryId }: StreamDelivery): EventDelivery {
  return {
    seq,
    creationTimeUtc: formatTicks(ticks),
    receivedAt: formatTicks(receivedTicks),
    deliveryId,
  };
}

/** Whether an entity id can exist: none has a NUL, at which Postgres throws. */
export function isPossibleId(entityId: string): boolean {
  return !entityId.includes("\0");
}

/** An entry of a person's stream. */
interface StreamDelivery extends LoggedDelivery {
  readonly entityId: string;
  readonly deliveryId: string;
  /** The JSON of an event's data, if it was selected. A redelivery has none, as its data equals the event's. */
  readonly data: string | null;
}

const loggedDeliveries = sqlFile("select_logged_deliveries");

/**
 * Returns the entries of persons' streams, in no order.
 *
 * @param withData whether the events' data, which is most of their size, is selected
 */
export async function selectLoggedDeliveries(
  pool: Pool,
  entityIds: readonly string[],
  { withData }: { readonly withData: boolean },
): Promise<readonly StreamDelivery[]> {
  const { rows } = await pool.query<{
    entity_id: string;
    seq: bigint;
    event: string;
    id: string;
    ticks: bigint;
    delivery_id: string;
    data: string | null;
    received_ticks: bigint;
  }>({ ...loggedDeliveries, values: [entityIds, withData] });
  return rows.map(({ entity_id, seq, delivery_id, received_ticks, ...others }) => ({
    ...others,
    entityId: entity_id,
    seq: Number(seq),
    deliveryId: delivery_id,
    receivedTicks: received_ticks,
  }));
}
