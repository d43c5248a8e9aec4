import {
  compareOrderKeys,
  eventsAt,
  formatTicks,
  identityKey,
  parseJson,
  recognise,
  type JsonObject,
  type EventWithDeliveries,
  type PointInTime,
  type EventOrderKey,
} from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { selectPersonDeliveries, type PersonDelivery } from "./deliveries.ts";
import { couldBeId } from "./query.ts";

/** A send of an event. Times are as `formatTicks` writes them. */
export interface EventDelivery {
  /** Its number in the person's log. */
  readonly seq: number;
  /** The event's time as this send told it. */
  readonly creationTimeUtc: string;
  readonly receivedAt: string;
  readonly deliveryId: string;
}

/** An event of a person. Its `seq`, `receivedAt` and `deliveryId` are those of its first send in the log. */
export interface PersonEvent extends EventDelivery {
  readonly event: string;
  readonly id: string;
  /** The earliest time that its deliveries told: this decides its place. */
  readonly creationTimeUtc: string;
  /** Whether today's code understands it; one that is not understood is counted, and changes nothing else. */
  readonly recognised: boolean;
  readonly data: JsonObject;
  /** All of its deliveries, the first one too, as the log has them. */
  readonly deliveries: readonly EventDelivery[];
}

export interface EventPage {
  readonly events: readonly PersonEvent[];
  /** The next page's `after`; `undefined` when there is none. */
  readonly next: EventOrderKey | undefined;
}

/**
 * A person's events in the person's order; none for a person of whom nothing is known. An event that arrives late,
 * between two pages, may stand before both: with `knownAt`, all pages are of one moment.
 *
 * @param page at most `limit` events, which stand after `after`
 */
export async function listEvents(
  pool: Pool,
  entityId: string,
  moment: PointInTime,
  { limit, after }: { readonly limit: number; readonly after?: EventOrderKey | undefined },
): Promise<EventPage> {
  if (!couldBeId(entityId)) return { events: [], next: undefined };
  const events = eventsAt(await selectPersonDeliveries(pool, [entityId], { withData: false }), moment);
  const from = after === undefined ? 0 : events.findIndex((event) => compareOrderKeys(event, after) > 0);
  const page = from === -1 ? [] : events.slice(from, from + limit);
  const dataOf = await selectDataOf(pool, entityId, page);
  const last = page.at(-1);
  return {
    events: page.map((event) => shown(event, dataOf.get(identityKey(event)) ?? "{}")),
    next: last === events.at(-1) ? undefined : orderKeyOf(last),
  };
}

const selectData = statement("select_data");

/** What these events say, as JSON, by `identityKey`. */
async function selectDataOf(
  pool: Pool,
  entityId: string,
  events: readonly EventOrderKey[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await pool.query<{ event: string; id: string; data: string }>({
    ...selectData,
    values: [entityId, events.map(({ event }) => event), events.map(({ id }) => id)],
  });
  return new Map(rows.map((row) => [identityKey(row), row.data]));
}

function shown(
  { event, id, ticks, deliveries }: EventWithDeliveries<PersonDelivery>,
  dataJson: string,
): PersonEvent {
  const data = parseJson(dataJson) as JsonObject;
  return {
    ...shownDelivery(deliveries[0]),
    event,
    id,
    creationTimeUtc: formatTicks(ticks),
    recognised: recognise(event, data).kind === "recognised",
    data,
    deliveries: deliveries.map(shownDelivery),
  };
}

function shownDelivery({ seq, ticks, receivedTicks, deliveryId }: PersonDelivery): EventDelivery {
  return {
    seq,
    creationTimeUtc: formatTicks(ticks),
    receivedAt: formatTicks(receivedTicks),
    deliveryId,
  };
}

function orderKeyOf(place: EventOrderKey | undefined): EventOrderKey | undefined {
  return place && { ticks: place.ticks, event: place.event, id: place.id };
}
