import { expect, test } from "vitest";
import { expectedPerson } from "../src/expected.ts";
import type { HistoryEvent } from "../src/history.ts";
import { documentedEvents, payload, type EventData } from "../src/index.ts";
import { STATUS_AFTER } from "../src/status.ts";

const entityId = "17f86a38-ee24-4686-8b4d-9251019f0009";

/** Tick 1 is `2022-02-01T15:00:00.0000001Z`. */
function happened(event: string, tick: bigint, data: EventData = {}): HistoryEvent {
  const ticks = BigInt(Date.parse("2022-02-01T15:00:00Z")) * 10_000n + tick;
  const john = { entity: "John Doe", email: "john.doe@mail.com", isClientUpdateRequest: false, ...data };
  return { event, id: String(tick), ticks, data: payload({ event, data: john }).data };
}

function person(...events: HistoryEvent[]): ReturnType<typeof expectedPerson> {
  return expectedPerson({ entityId, events });
}

function at(tick: number): string {
  return `2022-02-01T15:00:00.${String(tick).padStart(7, "0")}Z`;
}

test("of every documented event it is known which status follows, if any", () => {
  expect(Object.keys(STATUS_AFTER).toSorted()).toEqual(documentedEvents.toSorted());
});

test("a person goes through all of KYC and is approved by hand", () => {
  const approved = person(
    happened("NaturalPersonPending", 1n),
    happened("NaturalPersonStartedIDUpload", 2n, { sessionId: "s" }),
    happened("NaturalPersonUploadedID", 3n, { sessionId: "s" }),
    happened("NaturalPersonUploadedSupportingDocument", 4n, { supportingDocumentId: "d" }),
    happened("NaturalPersonManuallyApproved", 5n),
  );
  expect(approved).toEqual({
    entityId,
    name: "John Doe",
    email: "john.doe@mail.com",
    status: "approved",
    entityStatus: "approved",
    approval: {
      kind: "manual",
      byName: "Milan Doe",
      byEmail: "milan@testing.com",
      at: at(5),
      description: "Jane Doe was manually approved by Milan",
    },
    reviewNeeded: false,
    personalInfoSubmittedAt: at(1),
    identityDocuments: [{ type: "driverLicense", sessionId: "s", startedAt: at(2), uploadedAt: at(3) }],
    supportingDocuments: [
      { id: "d", type: "Proof of Income", description: "Description Proof of Income", uploadedAt: at(4) },
    ],
    unrecognisedEvents: 0,
    version: 5,
    firstEventAt: at(1),
    lastEventAt: at(5),
  });
});

test("an unrecognised event changes nothing but the counts and the times", () => {
  expect(person(happened("NotYetKnown", 7n, { isClientUpdateRequest: true }))).toEqual({
    entityId,
    name: null,
    email: null,
    status: "unknown",
    entityStatus: null,
    approval: null,
    reviewNeeded: false,
    personalInfoSubmittedAt: null,
    identityDocuments: [],
    supportingDocuments: [],
    unrecognisedEvents: 1,
    version: 1,
    firstEventAt: at(7),
    lastEventAt: at(7),
  });
});

test("an update after the approval needs a review and keeps the status, until the next approval", () => {
  const approval = happened("NaturalPersonAutoApproved", 1n);
  const update = happened("NaturalPersonPending", 2n, { isClientUpdateRequest: true, entity: "New Name" });
  const again = happened("NaturalPersonManuallyApproved", 3n, { entityStatus: "accepted" });
  expect(person(approval, update)).toMatchObject({
    status: "approved",
    name: "New Name",
    reviewNeeded: true,
    approval: { kind: "auto", at: at(1) },
    personalInfoSubmittedAt: at(2),
  });
  expect(person(approval, update, again)).toMatchObject({
    reviewNeeded: false,
    entityStatus: "accepted",
    approval: { kind: "manual", at: at(3) },
  });
  expect(person(update, again).reviewNeeded).toBe(false);
});

test("an identity document has its earliest start and its latest upload, by type and session", () => {
  const { status, identityDocuments } = person(
    happened("NaturalPersonStartedIDUpload", 1n, { sessionId: "b" }),
    happened("NaturalPersonUploadedID", 2n, { sessionId: "b" }),
    happened("NaturalPersonStartedIDUpload", 3n, { sessionId: "b" }),
    happened("NaturalPersonUploadedID", 4n, { sessionId: "a" }),
    happened("NaturalPersonUploadedID", 5n, { sessionId: "b" }),
    happened("NaturalPersonStartedIDUpload", 6n, { sessionId: "b", documentType: "passport" }),
  );
  expect(status).toBe("id-uploaded");
  expect(identityDocuments).toEqual([
    { type: "driverLicense", sessionId: "b", startedAt: at(1), uploadedAt: at(5) },
    { type: "driverLicense", sessionId: "a", startedAt: null, uploadedAt: at(4) },
    { type: "passport", sessionId: "b", startedAt: at(6), uploadedAt: null },
  ]);
});

test("a supporting document uploaded again keeps its place and has the last description", () => {
  const upload = (tick: bigint, id: string, supportingDocumentDescription: string): HistoryEvent =>
    happened("NaturalPersonUploadedSupportingDocument", tick, {
      supportingDocumentId: id,
      supportingDocumentDescription,
    });
  const { supportingDocuments } = person(
    upload(1n, "z", "old"),
    upload(2n, "a", "other"),
    upload(3n, "z", "new"),
  );
  expect(supportingDocuments).toEqual([
    { id: "z", type: "Proof of Income", description: "new", uploadedAt: at(3) },
    { id: "a", type: "Proof of Income", description: "other", uploadedAt: at(2) },
  ]);
});

test("documents of one tick are ordered by their key", () => {
  const started = (sessionId: string, documentType: string): HistoryEvent =>
    happened("NaturalPersonStartedIDUpload", 1n, { sessionId, documentType });
  const { identityDocuments } = person(
    started("b", "passport"),
    started("a", "passport"),
    started("z", "driverLicense"),
  );
  expect(identityDocuments.map(({ type, sessionId }) => [type, sessionId])).toEqual([
    ["driverLicense", "z"],
    ["passport", "a"],
    ["passport", "b"],
  ]);
});

test("name and email are the last that a documented event has", () => {
  const upload = happened("NaturalPersonUploadedID", 2n);
  const { email: _, ...withoutEmail } = upload.data;
  expect(
    person(
      happened("NaturalPersonPending", 1n, { entity: "Old", email: "first@example.com" }),
      { ...upload, data: { ...withoutEmail, entity: "New" } },
      happened("NotYetKnown", 3n, { entity: "Never", email: "never@example.com" }),
    ),
  ).toMatchObject({ name: "New", email: "first@example.com", version: 3, lastEventAt: at(3) });
});
