import {
  compareOrderKeys,
  eventsAt,
  formatTicks,
  fromLog,
  parseJson,
  recognise,
  type Event,
  type EventOrderKey,
  type EventWithDeliveries,
  type JsonObject,
  type LoggedDelivery,
  type PointInTime,
} from "@dossier/events";
import type { PageRequest } from "../database/page.ts";
import type { Pool } from "../database/pool.ts";
import { MAX_PAGE_BYTES, sqlFile } from "../database/statements.ts";
import { selectEventData, type LoggedEvent } from "./event-data.ts";

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
 * @param page at most `limit` events, or fewer if they are large, with order keys greater than `after`
 */
export async function listEvents(
  pool: Pool,
  entityId: string,
  time: PointInTime,
  { limit, after }: PageRequest<EventOrderKey>,
): Promise<EventPage> {
  if (!isPossibleId(entityId)) return { events: [], next: undefined };
  const events = eventsAt(await selectLoggedDeliveries(pool, [entityId]), time);
  const from = after === undefined ? 0 : events.findIndex((event) => compareOrderKeys(event, after) > 0);
  const wanted = from === -1 ? [] : events.slice(from, from + limit);
  const data = await selectEventData(pool, toIdentities(entityId, wanted), MAX_PAGE_BYTES);
  const page = wanted.slice(0, data.length);
  const last = page.at(-1);
  return {
    events: page.map((event, n) => toPersonEvent(event, data[n] ?? "{}")),
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

export function toEventDelivery({ seq, ticks, receivedTicks, deliveryId }: StreamDelivery): EventDelivery {
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
export interface StreamDelivery extends LoggedDelivery {
  readonly entityId: string;
  readonly deliveryId: string;
}

const loggedDeliveries = sqlFile("select_logged_deliveries");

/** Returns the entries of persons' streams, in no order and without the events' data, which is most of their size. */
export async function selectLoggedDeliveries(
  pool: Pool,
  entityIds: readonly string[],
): Promise<readonly StreamDelivery[]> {
  const { rows } = await pool.query<{
    entity_id: string;
    seq: bigint;
    event: string;
    id: string;
    ticks: bigint;
    delivery_id: string;
    received_ticks: bigint;
  }>({ ...loggedDeliveries, values: [entityIds] });
  return rows.map(({ entity_id, seq, delivery_id, received_ticks, ...others }) => ({
    ...others,
    entityId: entity_id,
    seq: Number(seq),
    deliveryId: delivery_id,
    receivedTicks: received_ticks,
  }));
}

function toIdentities(entityId: string, events: readonly EventOrderKey[]): LoggedEvent[] {
  return events.map(({ ticks, event, id }) => ({ entityId, ticks, event, id }));
}

/** Events whose data is read together, and their bytes. */
const MAX_EVENTS = 1_000;
const MAX_DATA_BYTES = 4 * 1024 * 1024;

/**
 * Reads persons' events as of a point in time, with their data, in the persons' order: as many at a time as fit in memory.
 *
 * @param deliveries what `selectLoggedDeliveries` returned of these persons
 */
export async function* readEventsAt(
  pool: Pool,
  entityIds: readonly string[],
  deliveries: readonly StreamDelivery[],
  time: PointInTime,
): AsyncGenerator<readonly Event[]> {
  const byEntity = Map.groupBy(deliveries, ({ entityId }) => entityId);
  const events = entityIds.flatMap((id) => toIdentities(id, eventsAt(byEntity.get(id) ?? [], time)));
  for (let read = 0; read < events.length;) {
    const wanted = events.slice(read, read + MAX_EVENTS);
    const data = await selectEventData(pool, wanted, MAX_DATA_BYTES);
    read += data.length;
    yield wanted
      .slice(0, data.length)
      .map((event, n) => fromLog({ ...event, data: parseJson(data[n] ?? "{}") as JsonObject }));
  }
}
