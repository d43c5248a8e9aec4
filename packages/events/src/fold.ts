import type { Event } from "./event.ts";
import { evolve, initialState } from "./evolve.ts";
import { compareOrderKeys, type EventOrderKey } from "./order.ts";
import type { PersonState } from "./person.ts";

/** A person's state, and the place of the last event in it: a later event can be folded in without the earlier. */
export interface Folded {
  readonly state: PersonState;
  readonly last: EventOrderKey;
}

/** Folds distinct events of one person, in whatever order they are given. `undefined` where there are none. */
export function fold(entityId: string, events: readonly Event[]): Folded | undefined {
  return foldOnto(undefined, entityId, events);
}

/**
 * Folds further events onto what is folded already. Gives `"out-of-order"` when one of them belongs before the last folded
 * event: the person must then be folded again from all events.
 */
export function foldInOrder(
  folded: Folded | undefined,
  entityId: string,
  events: readonly Event[],
): Folded | "out-of-order" | undefined {
  if (folded !== undefined && events.some((event) => compareOrderKeys(event, folded.last) < 0))
    return "out-of-order";
  return foldOnto(folded, entityId, events);
}

function foldOnto(
  folded: Folded | undefined,
  entityId: string,
  events: readonly Event[],
): Folded | undefined {
  const ordered = [...events].sort(compareOrderKeys);
  const last = ordered.at(-1);
  if (last === undefined) return folded;
  const state = ordered.reduce(evolve, folded?.state ?? initialState(entityId));
  return { state, last: { ticks: last.ticks, event: last.event, id: last.id } };
}
