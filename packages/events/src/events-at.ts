import type { Entry } from "./chain.ts";
import { compareOrderKeys, identityKey, type EventOrderKey } from "./event.ts";
import type { Ticks } from "./ticks.ts";

/** A point in time on two axes. An axis that is not given limits nothing. */
export interface PointInTime {
  /** Valid time: events of that time or before count. */
  readonly asOf?: Ticks | undefined;
  /** Recorded time: deliveries received at that time or before count. */
  readonly knownAt?: Ticks | undefined;
}

/** What `eventsAt` needs of an entry of the log. */
export type LoggedDelivery = Pick<Entry, "event" | "id" | "seq" | "ticks" | "receivedTicks">;

/** An event at a point in time: with the deliveries that count, by `seq`, and the earliest of their times. */
export interface EventWithDeliveries<D extends LoggedDelivery> extends EventOrderKey {
  readonly deliveries: readonly [D, ...D[]];
}

/**
 * Returns which of one person's events there were at a point in time, in their order.
 *
 * An event is known from its first received delivery on, whether the log has that one as the event or as a redelivery:
 * the log follows the order in which deliveries were settled.
 */
export function eventsAt<D extends LoggedDelivery>(
  deliveries: readonly D[],
  { asOf, knownAt }: PointInTime,
): readonly EventWithDeliveries<D>[] {
  const received = deliveries
    .filter(({ receivedTicks }) => knownAt === undefined || receivedTicks <= knownAt)
    .sort((a, b) => a.seq - b.seq);
  const events = new Map<string, EventWithDeliveries<D>>();
  for (const delivery of received) {
    const { event, id, ticks } = delivery;
    const key = identityKey(delivery);
    const before = events.get(key);
    events.set(
      key,
      before === undefined
        ? { event, id, ticks, deliveries: [delivery] }
        : {
            ...before,
            ticks: ticks < before.ticks ? ticks : before.ticks,
            deliveries: [...before.deliveries, delivery],
          },
    );
  }
  return [...events.values()]
    .filter(({ ticks }) => asOf === undefined || ticks <= asOf)
    .sort(compareOrderKeys);
}
