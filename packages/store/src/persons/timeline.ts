import {
  diffJson,
  eventsAt,
  evolve,
  formatTicks,
  identityKey,
  initialState,
  isKnownType,
  toPerson,
  type EventWithDeliveries,
  type Json,
  type JsonDifference,
  type Person,
  type PersonState,
  type PointInTime,
  type Ticks,
} from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { MAX_PAGE_BYTES } from "../database/statements.ts";
import {
  isPossibleId,
  readEventsAt,
  selectLoggedDeliveries,
  toEventDelivery,
  type EventDelivery,
  type StreamDelivery,
} from "./events.ts";

/** An event on a person's timeline, with what it changed. Times are as `formatTicks` writes them. */
export interface TimelineEntry {
  readonly event: string;
  readonly id: string;
  /** The earliest time in its deliveries. */
  readonly happenedAt: string;
  /** When its first delivery was received. */
  readonly receivedAt: string;
  /** All its deliveries, in the order of the log. */
  readonly deliveries: readonly EventDelivery[];
  /** Whether the log had a later event of the person before it. */
  readonly outOfOrder: boolean;
  readonly knownType: boolean;
  /** Whether it is after the point in time: it happened later, or was not known yet. */
  readonly when: "counts" | "happened-later" | "not-known-yet";
  /** How it changed the person's state, as known at the point in time; none if it was not known yet. */
  readonly changes: readonly JsonDifference[];
}

export interface Timeline {
  /** The state at the point in time; `undefined` if nothing was known of the person. */
  readonly person: Person | undefined;
  /** In the person's order. */
  readonly entries: readonly TimelineEntry[];
  /** How many events are before the first entry, and after the last one. */
  readonly earlier: number;
  readonly later: number;
}

/** Of the entries after the point in time, so many are returned at most. */
const MAX_LATER = 20;

/**
 * Returns a person's state at a point in time, and the events around it, also those after it; `undefined` if the log has
 * no event of the person. Takes memory for the person's events, without their data.
 *
 * @param limit of entries, the last ones before the point in time and some after it; fewer if their changes are large
 */
export async function readTimeline(
  pool: Pool,
  entityId: string,
  { asOf, knownAt }: PointInTime,
  limit: number,
): Promise<Timeline | undefined> {
  if (!isPossibleId(entityId)) return undefined;
  const deliveries = await selectLoggedDeliveries(pool, [entityId]);
  const all = eventsAt(deliveries, {});
  if (all.length === 0) return undefined;
  const until = asOf === undefined ? -1 : all.findIndex(({ ticks }) => ticks > asOf);
  const end = until === -1 ? all.length : Math.min(all.length, until + Math.min(MAX_LATER, limit - 1));
  const start = Math.max(0, end - limit);
  const shown = all.slice(start, end);

  const changes = new Map(shown.map((event) => [identityKey(event), undefined as Changes]));
  const person = await foldChanges(pool, { entityId, deliveries, asOf, knownAt }, changes);
  const outOfOrder = findOutOfOrder(all);
  const entries = lastWithin(
    MAX_PAGE_BYTES,
    shown.map((event) => {
      const known = changes.get(identityKey(event));
      const isLater = asOf !== undefined && (known?.ticks ?? event.ticks) > asOf;
      return {
        event: event.event,
        id: event.id,
        happenedAt: formatTicks(known?.ticks ?? event.ticks),
        receivedAt: formatTicks(firstReceipt(event)),
        deliveries: event.deliveries.map(toEventDelivery),
        outOfOrder: outOfOrder.has(event),
        knownType: isKnownType(event.event),
        when: known === undefined ? "not-known-yet" : isLater ? "happened-later" : "counts",
        changes: known?.differences ?? [],
      };
    }),
  );
  return { person, entries, earlier: end - entries.length, later: all.length - end };
}

/** Returns the last entries whose changes have `bytes` as JSON, at least one. */
function lastWithin(bytes: number, entries: readonly TimelineEntry[]): readonly TimelineEntry[] {
  let left = bytes;
  const first = entries.findLastIndex(({ changes }) => {
    left -= Buffer.byteLength(JSON.stringify(changes));
    return left < 0;
  });
  return entries.slice(Math.min(first + 1, entries.length - 1));
}

/** What an event changed, and when it happened as known then; `undefined` if it was not known. */
type Changes = { readonly ticks: Ticks; readonly differences: readonly JsonDifference[] } | undefined;

interface FoldOptions extends PointInTime {
  readonly entityId: string;
  readonly deliveries: readonly StreamDelivery[];
}

/** Notes what each event in `changes` changed. Returns the person at the point in time. */
async function foldChanges(
  pool: Pool,
  { entityId, deliveries, asOf, knownAt }: FoldOptions,
  changes: Map<string, Changes>,
): Promise<Person | undefined> {
  let state = initialState(entityId);
  let counted: PersonState | undefined;
  for await (const events of readEventsAt(pool, [entityId], deliveries, { knownAt })) {
    for (const event of events) {
      const next = evolve(state, event);
      const key = identityKey(event);
      if (changes.has(key))
        changes.set(key, { ticks: event.ticks, differences: diffJson(toContent(state), toContent(next)) });
      state = next;
      if (asOf === undefined || event.ticks <= asOf) counted = next;
    }
  }
  return counted && toPerson(counted);
}

/** What an event may say, without what every event changes. */
function toContent(state: PersonState): Json {
  const { version: _, firstEventAt: __, lastEventAt: ___, ...content } = toPerson(state);
  return content as unknown as Json;
}

type LoggedEvents = readonly EventWithDeliveries<StreamDelivery>[];

function findOutOfOrder(events: LoggedEvents): ReadonlySet<LoggedEvents[number]> {
  const found = new Set<LoggedEvents[number]>();
  let earliestLater = Number.POSITIVE_INFINITY;
  for (const event of events.toReversed()) {
    const [{ seq }] = event.deliveries;
    if (seq > earliestLater) found.add(event);
    earliestLater = Math.min(earliestLater, seq);
  }
  return found;
}

function firstReceipt({ deliveries }: LoggedEvents[number]): Ticks {
  return deliveries.reduce(
    (first, { receivedTicks }) => (receivedTicks < first ? receivedTicks : first),
    deliveries[0].receivedTicks,
  );
}
