import {
  fold,
  fromLog,
  identityKey,
  parseJson,
  type Event,
  type JsonObject,
  type PersonState,
} from "@dossier/events";
import type { ChainedEntry } from "./chain.ts";

/** Folds a person from the entries of its chain. Takes memory for the person's events. */
export interface EntryFold {
  /** Takes the next entry, by `seq`. */
  take(entry: ChainedEntry): void;
  /** The person by this code; `undefined` where there was no event. */
  state(): PersonState | undefined;
}

export function foldEntries(): EntryFold {
  const events = new Map<string, Event>();
  return {
    take(entry) {
      const { entityId, event, id, ticks, dataJson } = entry;
      const key = identityKey(entry);
      const known = events.get(key);
      if (known !== undefined && ticks < known.ticks) events.set(key, { ...known, ticks });
      if (dataJson !== null)
        events.set(key, fromLog({ entityId, event, id, ticks, data: parseJson(dataJson) as JsonObject }));
    },
    state() {
      const [first] = events.values();
      return first === undefined ? undefined : fold(first.entityId, [...events.values()])?.state;
    },
  };
}
