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

/** Returns the time of the events of a minute, as a person's state has it. */
export function minute(n: number): string {
  return `2022-02-01T15:${String(n).padStart(2, "0")}:00.0000000Z`;
}

/** Returns an event of that minute. Ids matter to identity and order alone, so most tests leave them out. */
export function eventAt(n: number, event: string, data: JsonObject = {}, id = "254"): Event {
  const ticks = parseTicks(minute(n));
  if (ticks === undefined) throw new Error(`${n} is not a minute`);
  return fromLog({ event, id, entityId: ENTITY, ticks, data: { entityId: ENTITY, ...data } });
}

/** Given a person's events, `when` returns what one more event changes, beside `version` and `lastEventAt`. */
export function given(...events: readonly Event[]) {
  return {
    when(event: Event): Partial<Person> {
      const state = events.reduce(evolve, initialState(ENTITY));
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

export const passport = { documentType: "passport", sessionId: "s1" };

export const pending = (at: number, data?: JsonObject) => eventAt(at, "NaturalPersonPending", data);
export const started = (at: number, data: JsonObject = passport) =>
  eventAt(at, "NaturalPersonStartedIDUpload", data);
export const uploaded = (at: number, data: JsonObject = passport) =>
  eventAt(at, "NaturalPersonUploadedID", data);
export const supporting = (at: number, data?: JsonObject) =>
  eventAt(at, "NaturalPersonUploadedSupportingDocument", { supportingDocumentId: "d1", ...data });
export const approved = (at: number, data?: JsonObject) => eventAt(at, "NaturalPersonManuallyApproved", data);
export const autoApproved = (at: number, data?: JsonObject) => eventAt(at, "NaturalPersonAutoApproved", data);
