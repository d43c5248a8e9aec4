import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  evolve,
  initialState,
  naturalPersonEvents,
  STATUSES,
  toPerson,
  type JsonObject,
} from "../src/index.ts";
import {
  approved,
  autoApproved,
  ENTITY,
  eventAt,
  given,
  minute,
  passport,
  pending,
  started,
  supporting,
  uploaded,
} from "./state-change.ts";

const approval = (kind: "manual" | "auto", at: number) => ({
  kind,
  byName: null,
  byEmail: null,
  at: minute(at),
  description: null,
});

test("a person without events has the status unknown, and nothing is known", () => {
  expect(toPerson(initialState(ENTITY))).toEqual({
    entityId: ENTITY,
    name: null,
    email: null,
    status: "unknown",
    entityStatus: null,
    approval: null,
    reviewNeeded: false,
    personalInfoSubmittedAt: null,
    identityDocuments: [],
    supportingDocuments: [],
    unrecognisedEvents: 0,
    version: 0,
    firstEventAt: null,
    lastEventAt: null,
  });
});

describe("status", () => {
  const steps = [
    { status: "pending", event: pending },
    { status: "id-upload-started", event: started },
    { status: "id-uploaded", event: uploaded },
    { status: "documents-uploaded", event: supporting },
    { status: "approved", event: approved },
    { status: "approved", event: autoApproved },
  ] as const;
  const transitions = steps.flatMap((to) => [
    { from: "unknown" as const, given: [], ...to },
    ...steps.map((from) => ({ from: from.status, given: [from.event(1)], ...to })),
  ]);
  test.each(transitions)("given $from, when $status is reached, then the further one stays", (transition) => {
    const state = [...transition.given, transition.event(2)].reduce(evolve, initialState(ENTITY));
    const indexes = [transition.from, transition.status].map((status) => STATUSES.indexOf(status));
    expect(STATUSES.indexOf(state.status)).toBe(Math.max(...indexes));
  });
});

describe("name and email", () => {
  test("the last event that has them counts", () => {
    expect(
      given(pending(1, { entity: "Jane Doe", email: "jane@old.example" })).when(
        pending(2, { entity: "Jane Roe", email: "jane@new.example" }),
      ),
    ).toEqual({ name: "Jane Roe", email: "jane@new.example" });
  });
  test.each([{}, { entity: null, email: null }, { entity: "", email: "" }])(
    "an event that has neither (%j) changes neither",
    (data) => {
      expect(
        given(pending(1, { entity: "Jane Doe", email: "jane@doe.example" })).when(pending(2, data)),
      ).toEqual({});
    },
  );
  test("an approval may have them too", () => {
    expect(
      given(pending(1, { entity: "Jane Doe" })).when(
        approved(2, { entity: "Jane Roe", email: "jane@roe.example" }),
      ),
    ).toEqual({
      status: "approved",
      approval: approval("manual", 2),
      name: "Jane Roe",
      email: "jane@roe.example",
    });
  });
});

describe("personalInfoSubmittedAt", () => {
  test("is the first pending event's time", () => {
    expect(given().when(pending(1))).toEqual({
      status: "pending",
      personalInfoSubmittedAt: minute(1),
      firstEventAt: minute(1),
    });
    expect(given(pending(1)).when(pending(2))).toEqual({});
  });
  test("comes from a pending event alone", () => {
    expect(given(started(1)).when(pending(2))).toEqual({ personalInfoSubmittedAt: minute(2) });
  });
});

describe("approval", () => {
  test("has its kind, user, time and description", () => {
    expect(
      given(pending(1)).when(
        autoApproved(2, {
          userName: "Milan Doe",
          userEmail: "milan@testing.com",
          entityStatus: "Accepted",
          description: "by the book",
        }),
      ),
    ).toEqual({
      status: "approved",
      entityStatus: "Accepted",
      approval: {
        kind: "auto",
        byName: "Milan Doe",
        byEmail: "milan@testing.com",
        at: minute(2),
        description: "by the book",
      },
    });
  });
  test("the last one replaces the one before as a whole", () => {
    expect(
      given(
        autoApproved(1, { userName: "Milan Doe", description: "by the book", entityStatus: "Accepted" }),
      ).when(approved(2)),
    ).toEqual({ approval: approval("manual", 2), entityStatus: null });
  });
});

describe("reviewNeeded", () => {
  const update = { isClientUpdateRequest: true };
  const updates = { pending, started, uploaded, supporting };

  test.each(Object.entries(updates))("is true if a client update (%s) follows the approval", (_, event) => {
    const data = { ...passport, ...update };
    const state = [event(1, passport), approved(2), event(3, data)].reduce(evolve, initialState(ENTITY));
    expect(state).toMatchObject({ status: "approved", reviewNeeded: true });
  });
  test("stays false if a client update comes before any approval", () => {
    expect(given(pending(1)).when(pending(2, update))).toEqual({});
  });
  test("stays false if an event that is no client update follows the approval", () => {
    expect(given(pending(1), approved(2)).when(pending(3))).toEqual({});
    expect(given(pending(1), approved(2)).when(pending(3, { isClientUpdateRequest: false }))).toEqual({});
  });
  test("stays true until the next approval", () => {
    expect(given(pending(1), approved(2), pending(3, update)).when(pending(4))).toEqual({});
    expect(given(pending(1), approved(2), pending(3, update)).when(approved(5))).toEqual({
      reviewNeeded: false,
      approval: approval("manual", 5),
    });
  });
  test("is false after an approval that is itself a client update", () => {
    expect(given(approved(1)).when(autoApproved(2, update))).toEqual({ approval: approval("auto", 2) });
  });
});

describe("unrecognised events", () => {
  const data = { entity: "Not To Be Seen", email: "not@to.be.seen", isClientUpdateRequest: true };

  test("change their count, the version and the times, and nothing else", () => {
    expect(
      given(pending(1, { entity: "Jane Doe" }), approved(2)).when(eventAt(3, "NotYetKnown", data)),
    ).toEqual({ unrecognisedEvents: 1 });
    expect(given().when(eventAt(3, "NotYetKnown", data))).toEqual({
      unrecognisedEvents: 1,
      firstEventAt: minute(3),
    });
  });
  test("an event of a known type with data that this code cannot read counts as one", () => {
    expect(given(pending(1)).when(eventAt(2, "NaturalPersonUploadedID", { documentType: 5 }))).toEqual({
      unrecognisedEvents: 1,
    });
  });
  test("a type with the name of a member of every object is unknown", () => {
    expect(given(pending(1)).when(eventAt(2, "constructor"))).toEqual({ unrecognisedEvents: 1 });
    expect(given(pending(1)).when(eventAt(2, "__proto__"))).toEqual({ unrecognisedEvents: 1 });
  });
});

test("every event counts in the version and the times", () => {
  const { version, firstEventAt, lastEventAt } = [pending(1), eventAt(2, "NotYetKnown"), approved(3)].reduce(
    evolve,
    initialState(ENTITY),
  );
  expect({ version, firstEventAt, lastEventAt }).toEqual({
    version: 3,
    firstEventAt: minute(1),
    lastEventAt: minute(3),
  });
});

test("evolve throws for no type and data, and counts every event", () => {
  const types = [...Object.keys(naturalPersonEvents), "NotYetKnown"];
  const data = fc.dictionary(
    fc.constantFrom("entity", "email", "sessionId", "documentType", "isClientUpdateRequest", "userName"),
    fc.jsonValue({ maxDepth: 1 }),
    { maxKeys: 3 },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...types), data), { maxLength: 4 }), (drawn) => {
      const events = drawn.map(([type, data], at) => eventAt(at, type, data as JsonObject));
      expect(events.reduce(evolve, initialState(ENTITY)).version).toBe(events.length);
    }),
    { numRuns: 300 },
  );
});
