import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fold, parseDelivery, toPerson, type Event, type Person } from "../src/index.ts";

const NOBODY_KNOWN = {
  name: null,
  email: null,
  entityStatus: null,
  approval: null,
  reviewNeeded: false,
  personalInfoSubmittedAt: null,
  identityDocuments: [],
  supportingDocuments: [],
  unrecognisedEvents: 0,
  version: 1,
};
const JANE = { ...NOBODY_KNOWN, entityId: "702a96b1-e145-45fc-99c1-69c2199aa30d", name: "Jane Doe" };
const JOHN = {
  ...NOBODY_KNOWN,
  entityId: "17f86a38-ee24-4686-8b4d-9251019f0009",
  name: "John Doe",
  email: "john.doe@mail.com",
};
const APPROVAL = {
  byName: "Milan Doe",
  byEmail: "milan@testing.com",
  at: "2022-02-01T15:04:27.0174921Z",
  description: "Jane Doe was manually approved by Milan",
};

const files: Record<string, Person> = {
  "natural-person-pending": {
    ...JOHN,
    status: "pending",
    personalInfoSubmittedAt: "2022-02-01T15:09:26.1712603Z",
    ...onlyEventAt("2022-02-01T15:09:26.1712603Z"),
  },
  "natural-person-started-id-upload": {
    ...JOHN,
    status: "id-upload-started",
    identityDocuments: [
      {
        type: "driverLicense",
        sessionId: "8da6eb06-778a-40a4-b2a5-81json20cb440982",
        startedAt: "2022-02-01T15:16:32.3428769Z",
        uploadedAt: null,
      },
    ],
    ...onlyEventAt("2022-02-01T15:16:32.3428769Z"),
  },
  "natural-person-uploaded-id": {
    ...JOHN,
    entityId: "12345a38-ee24-4686-8b4d-9251019f0009",
    status: "id-uploaded",
    identityDocuments: [
      {
        type: "driverLicense",
        sessionId: "12345b06-778a-40a4-b2a5-8120cb440982",
        startedAt: null,
        uploadedAt: "2022-02-01T15:18:02.1197395Z",
      },
    ],
    ...onlyEventAt("2022-02-01T15:18:02.1197395Z"),
  },
  "natural-person-uploaded-supporting-document": {
    ...JANE,
    entityId: "123340-830e-44bc-9a2d-6df7e20b307a",
    email: "John.Doe@test.com",
    status: "documents-uploaded",
    supportingDocuments: [
      {
        id: "12344326-17b8-4e18-8b61-12a9be9f6cd4",
        type: "Proof of Income",
        description: "Description Proof of Income",
        uploadedAt: "2022-02-02T16:07:42.2050562Z",
      },
    ],
    ...onlyEventAt("2022-02-02T16:07:42.2050562Z"),
  },
  "natural-person-manually-approved": {
    ...JANE,
    status: "approved",
    entityStatus: "approved",
    approval: { kind: "manual", ...APPROVAL },
    ...onlyEventAt(APPROVAL.at),
  },
  "natural-person-auto-approved": {
    ...JANE,
    status: "approved",
    entityStatus: "approved",
    approval: { kind: "auto", ...APPROVAL },
    ...onlyEventAt(APPROVAL.at),
  },
};

test.each(Object.entries(files))(
  "given nothing, when %s is sent, then the file says so",
  (sample, person) => {
    expect(fileOf(sample)).toEqual(person);
  },
);

test("the two approvals that share the id 253 and one tick are two events, the manual one last by name", () => {
  const approved = { ...files["natural-person-manually-approved"], version: 2 };
  expect(fileOf("natural-person-manually-approved", "natural-person-auto-approved")).toEqual(approved);
  expect(fileOf("natural-person-auto-approved", "natural-person-manually-approved")).toEqual(approved);
});

test("a start and the submission before it, sent the wrong way round, make one file", () => {
  expect(fileOf("natural-person-started-id-upload", "natural-person-pending")).toEqual({
    ...files["natural-person-started-id-upload"],
    personalInfoSubmittedAt: "2022-02-01T15:09:26.1712603Z",
    firstEventAt: "2022-02-01T15:09:26.1712603Z",
    version: 2,
  });
});

function onlyEventAt(time: string): { firstEventAt: string; lastEventAt: string } {
  return { firstEventAt: time, lastEventAt: time };
}

function fileOf(...names: string[]): Person | undefined {
  const events = names.map(read);
  const folded = fold(events[0]?.entityId ?? "", events);
  return folded && toPerson(folded.state);
}

function read(name: string): Event {
  const delivery = parseDelivery(
    readFileSync(new URL(import.meta.resolve(`@dossier/simulator/samples/${name}.json`))),
  );
  if (!delivery.ok) throw new Error(delivery.error.message);
  return delivery.value;
}
