import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evolve, initialState, STATUSES, toPerson, type JsonObject } from "../src/index.ts";
import { ENTITY, given, minute, told } from "./given.ts";

const passport = { documentType: "passport", sessionId: "s1" };
const licence = { documentType: "driverLicense", sessionId: "s1" };
const passportAgain = { documentType: "passport", sessionId: "s2" };

const pending = (at: number, data?: JsonObject) => told(at, "NaturalPersonPending", data);
const started = (at: number, data: JsonObject = passport) => told(at, "NaturalPersonStartedIDUpload", data);
const uploaded = (at: number, data: JsonObject = passport) => told(at, "NaturalPersonUploadedID", data);
const supporting = (at: number, data?: JsonObject) =>
  told(at, "NaturalPersonUploadedSupportingDocument", { supportingDocumentId: "d1", ...data });
const approved = (at: number, data?: JsonObject) => told(at, "NaturalPersonManuallyApproved", data);
const autoApproved = (at: number, data?: JsonObject) => told(at, "NaturalPersonAutoApproved", data);

const approval = (kind: "manual" | "auto", at: number) => ({
  kind,
  byName: null,
  byEmail: null,
  at: minute(at),
  description: null,
});
const document = (startedAt: number | null, uploadedAt: number | null, key = passport) => ({
  type: key.documentType,
  sessionId: key.sessionId,
  startedAt: startedAt === null ? null : minute(startedAt),
  uploadedAt: uploadedAt === null ? null : minute(uploadedAt),
});
const proof = (id: string, uploadedAt: number, type: string | null = null, description = type) => ({
  id,
  type,
  description,
  uploadedAt: minute(uploadedAt),
});

test("a person of whom nothing has been heard is unknown, with nothing in the file", () => {
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
  // What each event makes of each status: the further of the two.
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
  test.each(transitions)("given $from, when $status is reached, then the furthest stands", (transition) => {
    const state = [...transition.given, transition.event(2)].reduce(evolve, initialState(ENTITY));
    const places = [transition.from, transition.status].map((status) => STATUSES.indexOf(status));
    expect(STATUSES.indexOf(state.status)).toBe(Math.max(...places));
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
    "an event that has neither (%j) leaves them",
    (data) => {
      expect(
        given(pending(1, { entity: "Jane Doe", email: "jane@doe.example" })).when(pending(2, data)),
      ).toEqual({});
    },
  );
  test("an approval may have them as well", () => {
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

describe("identityDocuments", () => {
  test("a start opens an entry, and the upload completes it", () => {
    expect(given(pending(1)).when(started(2))).toEqual({
      status: "id-upload-started",
      identityDocuments: [document(2, null)],
    });
    expect(given(started(2)).when(uploaded(3))).toEqual({
      status: "id-uploaded",
      identityDocuments: [document(2, 3)],
    });
  });
  test("an upload whose start was never told opens an entry, too", () => {
    expect(given(pending(1)).when(uploaded(3))).toEqual({
      status: "id-uploaded",
      identityDocuments: [document(null, 3)],
    });
  });
  test("a start told under a later time than its upload fills the entry and regresses nothing", () => {
    expect(given(uploaded(3)).when(started(4))).toEqual({ identityDocuments: [document(4, 3)] });
  });
  test("the earliest start and the latest upload count", () => {
    expect(given(started(1)).when(started(2))).toEqual({});
    expect(given(started(1), uploaded(2)).when(uploaded(3))).toEqual({ identityDocuments: [document(1, 3)] });
  });
  test("each (documentType, sessionId) has an entry of its own, those of one time sorted by key", () => {
    expect(given(started(1)).when(started(1, passportAgain))).toEqual({
      identityDocuments: [document(1, null), document(1, null, passportAgain)],
    });
    expect(given(started(1), started(1, passportAgain)).when(started(1, licence))).toEqual({
      identityDocuments: [document(1, null, licence), document(1, null), document(1, null, passportAgain)],
    });
  });
  test("sorted by the first time something was told of them, not by key nor by the last", () => {
    expect(given(uploaded(1), started(2, licence)).when(started(3))).toEqual({
      identityDocuments: [document(3, 1), document(2, null, licence)],
    });
  });
});

describe("supportingDocuments", () => {
  test("one entry for each id, with the last type, description and time", () => {
    expect(
      given(
        supporting(1, { supportingDocumentType: "Income", supportingDocumentDescription: "Page 1" }),
      ).when(supporting(2, { supportingDocumentType: "Address", supportingDocumentDescription: "Page 2" })),
    ).toEqual({ supportingDocuments: [proof("d1", 2, "Address", "Page 2")] });
  });
  test("an upload that names neither type nor description leaves what was said of them", () => {
    expect(
      given(
        supporting(1, { supportingDocumentType: "Income", supportingDocumentDescription: "Page 1" }),
      ).when(supporting(2)),
    ).toEqual({ supportingDocuments: [proof("d1", 2, "Income", "Page 1")] });
  });
  test("sorted by their first time, then by id", () => {
    expect(
      given(
        supporting(1, { supportingDocumentId: "d3" }),
        supporting(2, { supportingDocumentId: "d2" }),
      ).when(supporting(2, { supportingDocumentId: "d1" })),
    ).toEqual({ supportingDocuments: [proof("d3", 1), proof("d1", 2), proof("d2", 2)] });
    expect(
      given(
        supporting(1, { supportingDocumentId: "d3" }),
        supporting(2, { supportingDocumentId: "d1" }),
      ).when(supporting(3, { supportingDocumentId: "d3" })),
    ).toEqual({ supportingDocuments: [proof("d3", 3), proof("d1", 2)] });
  });
});

describe("approval", () => {
  test("says which kind, by whom, when and why", () => {
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
  test("the last one counts whole: nothing of the one before shows through", () => {
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

  test.each(Object.entries(updates))(
    "a client update (%s) after the approval asks for review",
    (_, event) => {
      const data = { ...passport, ...update };
      const state = [event(1, passport), approved(2), event(3, data)].reduce(evolve, initialState(ENTITY));
      expect(state).toMatchObject({ status: "approved", reviewNeeded: true });
    },
  );
  test("a client update before any approval asks for none", () => {
    expect(given(pending(1)).when(pending(2, update))).toEqual({});
  });
  test("what is no client update asks for none", () => {
    expect(given(pending(1), approved(2)).when(pending(3))).toEqual({});
    expect(given(pending(1), approved(2)).when(pending(3, { isClientUpdateRequest: false }))).toEqual({});
  });
  test("it stays asked for until the next approval", () => {
    expect(given(pending(1), approved(2), pending(3, update)).when(pending(4))).toEqual({});
    expect(given(pending(1), approved(2), pending(3, update)).when(approved(5))).toEqual({
      reviewNeeded: false,
      approval: approval("manual", 5),
    });
  });
  test("an approval of a client update is the last approval: nothing stands after it", () => {
    expect(given(approved(1)).when(autoApproved(2, update))).toEqual({ approval: approval("auto", 2) });
  });
});

describe("unrecognised events", () => {
  const rejected = { entity: "Not To Be Seen", email: "not@to.be.seen", isClientUpdateRequest: true };

  test("are counted and dated, and change nothing else", () => {
    expect(
      given(pending(1, { entity: "Jane Doe" }), approved(2)).when(told(3, "NaturalPersonRejected", rejected)),
    ).toEqual({ unrecognisedEvents: 1 });
    expect(given().when(told(3, "LegalEntityPending", rejected))).toEqual({
      unrecognisedEvents: 1,
      firstEventAt: minute(3),
    });
  });
  test("a documented type whose stored data today's code cannot read counts as one, and folding goes on", () => {
    expect(given(pending(1)).when(told(2, "NaturalPersonUploadedID", { documentType: 5 }))).toEqual({
      unrecognisedEvents: 1,
    });
  });
  test("a type named like a member of every object is just unknown", () => {
    expect(given(pending(1)).when(told(2, "constructor"))).toEqual({ unrecognisedEvents: 1 });
    expect(given(pending(1)).when(told(2, "__proto__"))).toEqual({ unrecognisedEvents: 1 });
  });
});

test("every event counts one version and dates the file", () => {
  const { version, firstEventAt, lastEventAt } = [pending(1), told(2, "Other"), approved(3)].reduce(
    evolve,
    initialState(ENTITY),
  );
  expect({ version, firstEventAt, lastEventAt }).toEqual({
    version: 3,
    firstEventAt: minute(1),
    lastEventAt: minute(3),
  });
});

test("evolve throws at no event, whatever its type and data, and counts each", () => {
  const types = ["NaturalPersonPending", "NaturalPersonUploadedID", "NaturalPersonAutoApproved", "Other"];
  const data = fc.dictionary(
    fc.constantFrom("entity", "email", "sessionId", "documentType", "isClientUpdateRequest", "userName"),
    fc.jsonValue({ maxDepth: 1 }),
    { maxKeys: 3 },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...types), data), { maxLength: 4 }), (sent) => {
      const events = sent.map(([type, said], at) => told(at, type, said as JsonObject));
      expect(events.reduce(evolve, initialState(ENTITY)).version).toBe(sent.length);
    }),
    { numRuns: 300 },
  );
});
