import { expect, test } from "vitest";
import { expected } from "../src/expected.ts";
import type { Occurrence } from "../src/history.ts";
import { payload, type EventData } from "../src/index.ts";
import { ticksOf } from "../src/ticks.ts";

const entityId = "17f86a38-ee24-4686-8b4d-9251019f0009";

/** `tick` 1 reads `2022-02-01T15:00:00.0000001Z`. */
function happened(event: string, tick: bigint, data: EventData = {}): Occurrence {
  const at = ticksOf(new Date("2022-02-01T15:00:00Z")) + tick;
  return { event, id: String(tick), at, data: payload({ event, data }).data };
}

function file(...occurrences: Occurrence[]): ReturnType<typeof expected> {
  return expected({ entityId, occurrences });
}

function at(tick: number): string {
  return `2022-02-01T15:00:00.${String(tick).padStart(7, "0")}Z`;
}

test("a whole journey, approved by hand", () => {
  const person = file(
    happened("NaturalPersonPending", 1n),
    happened("NaturalPersonStartedIDUpload", 2n, { sessionId: "s" }),
    happened("NaturalPersonUploadedID", 3n, { sessionId: "s" }),
    happened("NaturalPersonUploadedSupportingDocument", 4n, { supportingDocumentId: "d" }),
    happened("NaturalPersonManuallyApproved", 5n),
  );
  expect(person).toEqual({
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
      description: "John Doe was manually approved by Milan",
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

test("an unknown event alone leaves everything unknown but the count and the times", () => {
  expect(file(happened("LegalEntityPending", 7n, { isClientUpdateRequest: true }))).toEqual({
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

test("an update after the approval asks for a review, keeps the status, and a new approval settles it", () => {
  const approval = happened("NaturalPersonAutoApproved", 1n);
  const update = happened("NaturalPersonPending", 2n, { isClientUpdateRequest: true, entity: "New Name" });
  const again = happened("NaturalPersonManuallyApproved", 3n, { entityStatus: "accepted" });
  expect(file(approval, update)).toMatchObject({
    status: "approved",
    name: "New Name",
    reviewNeeded: true,
    approval: { kind: "auto", at: at(1) },
    personalInfoSubmittedAt: at(2),
  });
  expect(file(approval, update, again)).toMatchObject({
    reviewNeeded: false,
    entityStatus: "accepted",
    approval: { kind: "manual", at: at(3) },
  });
  expect(file(update, again).reviewNeeded).toBe(false);
});

test("a restarted upload keeps its earliest start and its latest upload, once for each type and session", () => {
  const person = file(
    happened("NaturalPersonStartedIDUpload", 1n, { sessionId: "b" }),
    happened("NaturalPersonUploadedID", 2n, { sessionId: "b" }),
    happened("NaturalPersonStartedIDUpload", 3n, { sessionId: "b" }),
    happened("NaturalPersonUploadedID", 4n, { sessionId: "a" }),
    happened("NaturalPersonUploadedID", 5n, { sessionId: "b" }),
    happened("NaturalPersonStartedIDUpload", 6n, { sessionId: "b", documentType: "passport" }),
  );
  expect(person.status).toBe("id-uploaded");
  expect(person.identityDocuments).toEqual([
    { type: "driverLicense", sessionId: "b", startedAt: at(1), uploadedAt: at(5) },
    { type: "driverLicense", sessionId: "a", startedAt: null, uploadedAt: at(4) },
    { type: "passport", sessionId: "b", startedAt: at(6), uploadedAt: null },
  ]);
});

test("a supporting document sent again keeps its place and takes the last words", () => {
  const upload = (tick: bigint, id: string, supportingDocumentDescription: string): Occurrence =>
    happened("NaturalPersonUploadedSupportingDocument", tick, {
      supportingDocumentId: id,
      supportingDocumentDescription,
    });
  const person = file(upload(1n, "z", "old"), upload(2n, "a", "other"), upload(3n, "z", "new"));
  expect(person.supportingDocuments).toEqual([
    { id: "z", type: "Proof of Income", description: "new", uploadedAt: at(3) },
    { id: "a", type: "Proof of Income", description: "other", uploadedAt: at(2) },
  ]);
});

test("documents of one tick stand by their key", () => {
  const started = (sessionId: string, documentType: string): Occurrence =>
    happened("NaturalPersonStartedIDUpload", 1n, { sessionId, documentType });
  const person = file(started("b", "passport"), started("a", "passport"), started("z", "driverLicense"));
  expect(person.identityDocuments.map(({ type, sessionId }) => [type, sessionId])).toEqual([
    ["driverLicense", "z"],
    ["passport", "a"],
    ["passport", "b"],
  ]);
});

test("name and email are the last that any known event has", () => {
  const { email: _, ...withoutEmail } = payload({ event: "NaturalPersonUploadedID" }).data;
  const upload = happened("NaturalPersonUploadedID", 2n);
  const person = file(
    happened("NaturalPersonPending", 1n, { entity: "Old", email: "first@example.com" }),
    { ...upload, data: { ...withoutEmail, entity: "New" } },
    happened("NaturalPersonRejected", 3n, { entity: "Never", email: "never@example.com" }),
  );
  expect(person).toMatchObject({ name: "New", email: "first@example.com", version: 3, lastEventAt: at(3) });
});
