import type { JsonObject } from "./json.ts";
import type { Ticks } from "./ticks.ts";

/** One thing that happened to one person, as iComply told it. */
export interface Event {
  /** The type's name, such as `NaturalPersonPending`; any name is kept, known to this code or not. */
  readonly event: string;
  /** iComply's id of the event: opaque, and not unique by itself. */
  readonly id: string;
  readonly entityId: string;
  /** `creationTimeUtc`. A retry may carry the time of the attempt: the earliest of an event's deliveries counts. */
  readonly ticks: Ticks;
  /** What the event says, in the shape in which it came. */
  readonly data: JsonObject;
}

/** `(event, id)` within one person: what makes two deliveries the same event. */
export function identityKey(event: Pick<Event, "event" | "id">): string {
  return JSON.stringify([event.event, event.id]);
}
