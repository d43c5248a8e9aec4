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
  /** `creationTimeUtc`: the earliest of the event's deliveries, as a retry may carry the time of its attempt. */
  readonly ticks: Ticks;
  readonly content: EventContent;
}

/** What an event says; `unrecognised` if this code does not know its type or cannot read its data. */
export type EventContent = NaturalPersonEvent | "unrecognised";

/** Those parts of an event's identity that could be parsed. */
export type PartialIdentity = { readonly [Part in "event" | "id" | "entityId"]: string | undefined };

/** Where an event stands among its person's events. */
export interface EventOrderKey {
  readonly ticks: Ticks;
  readonly event: string;
  readonly id: string;
}

/** Returns an event that the log holds, with its data read by this code. Never throws. */
export function fromLog({ data, ...event }: Omit<Event, "content"> & { readonly data: JsonObject }): Event {
  const recognition = recognise(event.event, data);
  return { ...event, content: recognition.kind === "recognised" ? recognition.event : "unrecognised" };
}

/** Returns the part of an event's identity that is unique within one person, as one text. */
export function identityKey({ event, id }: Pick<Event, "event" | "id">): string {
  return JSON.stringify([event, id]);
}

/** Compares two events of one person, for `sort`: by time, then `event`, then `id`, and never by arrival. */
export function compareOrderKeys(a: EventOrderKey, b: EventOrderKey): number {
  if (a.ticks !== b.ticks) return a.ticks < b.ticks ? -1 : 1;
  return compareText(a.event, b.event) || compareText(a.id, b.id);
}

/** Compares two texts by code point, as Postgres does under `collate "C"`. (`<` compares UTF-16 units.) */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return codePointRank(unitA) - codePointRank(unitB);
  }
  return a.length - b.length;
}

/** Ranks surrogates, which write the code points from U+10000, above the units U+E000 to U+FFFF. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
