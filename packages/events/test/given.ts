import { isDeepStrictEqual } from "node:util";
import {
  evolve,
  fromLog,
  initialState,
  parseTicks,
  toPerson,
  type Event,
  type JsonObject,
  type Person,
} from "../src/index.ts";

export const ENTITY = "17f86a38-ee24-4686-8b4d-9251019f0009";

/** The time of everything that `told` dates to this minute, as a person's file shows it. */
export function minute(n: number): string {
  return `2022-02-01T15:${String(n).padStart(2, "0")}:00.0000000Z`;
}

/** An event of that minute. Ids count for order and identity alone, so most tests leave them out. */
export function told(at: number, event: string, data: JsonObject = {}, id = "254"): Event {
  const ticks = parseTicks(minute(at));
  if (ticks === undefined) throw new Error(`${at} is no minute`);
  return fromLog({ event, id, entityId: ENTITY, ticks, data: { entityId: ENTITY, ...data } });
}

/** Given what has happened to a person, when one thing more happens: what changes in the file, beside its count. */
export function given(...history: readonly Event[]) {
  return {
    when(event: Event): Partial<Person> {
      const state = history.reduce(evolve, initialState(ENTITY));
      const before = new Map<string, unknown>(Object.entries(toPerson(state)));
      const after = Object.entries(toPerson(evolve(state, event)));
      return Object.fromEntries(
        after.filter(
          ([name, value]) =>
            name !== "version" && name !== "lastEventAt" && !isDeepStrictEqual(value, before.get(name)),
        ),
      );
    },
  };
}
