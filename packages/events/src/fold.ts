import { compareOrderKeys, type Event, type EventOrderKey } from "./event.ts";
import { evolveAll, FOLD_VERSION, initialState } from "./evolve.ts";
import type { PersonState } from "./person.ts";

/** A person's state, and the order key of the last event in it: later events can be folded in without the earlier ones. */
export interface Folded {
  readonly state: PersonState;
  readonly last: EventOrderKey;
  /** The version of the fold that made the state; the least, if several did. */
  readonly foldVersion: number;
}

/**
 * Folds distinct events of one person, given in any order. Returns `undefined` if there are none.
 *
 * @param onto the person as folded from events that all belong before these
 */
export function fold(entityId: string, events: readonly Event[], onto?: Folded): Folded | undefined {
  const ordered = [...events].sort(compareOrderKeys);
  const last = ordered.at(-1);
  if (last === undefined) return onto;
  const state = evolveAll(onto?.state ?? initialState(entityId), ordered);
  return {
    state,
    last: { ticks: last.ticks, event: last.event, id: last.id },
    foldVersion: Math.min(onto?.foldVersion ?? FOLD_VERSION, FOLD_VERSION),
  };
}

/**
 * Folds further events of a person into the state so far. Returns `out-of-order` if one of them belongs before the last
 * folded event: then all of the person's events must be folded again.
 */
export function foldInOrder(
  folded: Folded | undefined,
  entityId: string,
  events: readonly Event[],
): Folded | "out-of-order" | undefined {
  if (folded !== undefined && events.some((event) => compareOrderKeys(event, folded.last) < 0))
    return "out-of-order";
  return fold(entityId, events, folded);
}
