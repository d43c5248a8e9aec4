import type { Entry } from "./chain.ts";
import { identityKey } from "./event.ts";
import { compareOrderKeys, type EventOrderKey } from "./order.ts";
import type { Ticks } from "./ticks.ts";

/** A point in time on two axes. On one that is not given, everything counts. */
export interface PointInTime {
  /** What was true then: the events of that time or before. */
  readonly asOf?: Ticks | undefined;
  /** What had been received by then: the deliveries received at that time or before. */
  readonly knownAt?: Ticks | undefined;
}

/** What a moment must know of an entry of the log. */
export type LoggedDelivery = Pick<Entry, "event" | "id" | "seq" | "ticks" | "receivedTicks">;

/** An event at some moment: under the earliest time of the deliveries that were known, with these by `seq`. */
export interface EventWithDeliveries<S extends LoggedDelivery> extends EventOrderKey {
  readonly deliveries: readonly [S, ...S[]];
}

/**
 * Which of one person's events there were at a moment, in the person's order.
 *
 * An event is known from the first received of its deliveries on, whichever of them the log has as the event and which
 * as redeliveries: that is the order of processing, which is nobody's knowledge.
 */
export function eventsAt<S extends LoggedDelivery>(
  deliveries: readonly S[],
  { asOf, knownAt }: PointInTime,
): readonly EventWithDeliveries<S>[] {
  const known = new Map<string, EventWithDeliveries<S>>();
  for (const send of deliveries.toSorted((a, b) => a.seq - b.seq)) {
    if (knownAt !== undefined && send.receivedTicks > knownAt) continue;
    const { event, id, ticks } = send;
    const key = identityKey(send);
    const before = known.get(key);
    if (before === undefined) known.set(key, { event, id, ticks, deliveries: [send] });
    else
      known.set(key, {
        ...before,
        ticks: ticks < before.ticks ? ticks : before.ticks,
        deliveries: [...before.deliveries, send],
      });
  }
  return [...known.values()]
    .filter(({ ticks }) => asOf === undefined || ticks <= asOf)
    .sort(compareOrderKeys);
}
