import type { JsonObject } from "./json.ts";
import { recognise, type NaturalPersonEvent } from "./natural-person-events.ts";
import type { Ticks } from "./ticks.ts";

/** One fact about a person, from iComply. Its identity is `(event, id, entityId)`. */
export interface Event {
  /** The type's name, such as `NaturalPersonPending`. Types that this code does not know are kept too. */
  readonly event: string;
  /** iComply's id of the event: opaque, and not unique by itself. */
  readonly id: string;
  readonly entityId: string;
  /** `creationTimeUtc`. A retry may carry the time of its attempt, so the earliest time of an event's deliveries counts. */
  readonly ticks: Ticks;
  readonly content: EventContent;
}

/** What an event says; `unrecognised` if this code does not know its type or cannot read its data. */
export type EventContent = NaturalPersonEvent | "unrecognised";

/** Those parts of an event's identity that could be parsed. */
export type PartialIdentity = { readonly [Part in "event" | "id" | "entityId"]: string | undefined };

/** The part of an event's identity that is unique within one person, as one text. */
export function identityKey({ event, id }: Pick<Event, "event" | "id">): string {
  return JSON.stringify([event, id]);
}

/** Returns an event that the log holds, with its data read by this code. Never throws. */
export function fromLog({ data, ...event }: Omit<Event, "content"> & { readonly data: JsonObject }): Event {
  const recognition = recognise(event.event, data);
  return { ...event, content: recognition.kind === "recognised" ? recognition.event : "unrecognised" };
}
