import { samples } from "@dossier/simulator";
import { describe, expect, test } from "vitest";
import {
  fold,
  naturalPersonEvents,
  parseDelivery,
  toPerson,
  type Event,
  type NaturalPersonEvent,
  type Person,
} from "../src/index.ts";
import { ENTITY, ENVELOPE, issuePaths, parsed, parseFailure } from "./parsing.ts";

interface KnownType {
  /** The fields of the type's schema: optional texts, optional booleans, and keys, which must be there. */
  readonly texts: readonly string[];
  readonly flags: readonly string[];
  readonly keys: readonly string[];
  /** The person whose only event is the type's sample. */
  readonly person: Person;
}

const NOTHING_KNOWN = {
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
const JANE = { ...NOTHING_KNOWN, entityId: "702a96b1-e145-45fc-99c1-69c2199aa30d", name: "Jane Doe" };
const JOHN = {
  ...NOTHING_KNOWN,
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
const texts = ["entity", "email"];
const flags = ["isClientUpdateRequest"];
const approvalTexts = [...texts, "userName", "userEmail", "entityStatus", "description"];

const knownTypes: Record<NaturalPersonEvent["event"], KnownType> = {
  NaturalPersonPending: {
    texts,
    flags,
    keys: [],
    person: {
      ...JOHN,
      status: "pending",
      personalInfoSubmittedAt: "2022-02-01T15:09:26.1712603Z",
      ...onlyEventAt("2022-02-01T15:09:26.1712603Z"),
    },
  },
  NaturalPersonStartedIDUpload: {
    texts,
    flags,
    keys: ["sessionId", "documentType"],
    person: {
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
  },
  NaturalPersonUploadedID: {
    texts,
    flags,
    keys: ["sessionId", "documentType"],
    person: {
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
  },
  NaturalPersonUploadedSupportingDocument: {
    texts: [...texts, "supportingDocumentType", "supportingDocumentDescription"],
    flags,
    keys: ["supportingDocumentId"],
    person: {
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
  },
  NaturalPersonManuallyApproved: {
    texts: approvalTexts,
    flags,
    keys: [],
    person: {
      ...JANE,
      status: "approved",
      entityStatus: "approved",
      approval: { kind: "manual", ...APPROVAL },
      ...onlyEventAt(APPROVAL.at),
    },
  },
  NaturalPersonAutoApproved: {
    texts: approvalTexts,
    flags,
    keys: [],
    person: {
      ...JANE,
      status: "approved",
      entityStatus: "approved",
      approval: { kind: "auto", ...APPROVAL },
      ...onlyEventAt(APPROVAL.at),
    },
  },
};

describe("samples", () => {
  test("there is one for each known type, and none for another", () => {
    const types = samples().map(({ event }) => event);
    expect(types.toSorted()).toEqual(Object.keys(naturalPersonEvents).toSorted());
  });

  test.each(Object.entries(knownTypes))("of %s gives the expected person", (event, { person }) => {
    expect(personOf(event)).toEqual(person);
  });

  test("of the approvals share an id and a time, but are two events; the manual one is last by name", () => {
    const person = { ...knownTypes.NaturalPersonManuallyApproved.person, version: 2 };
    expect(personOf("NaturalPersonManuallyApproved", "NaturalPersonAutoApproved")).toEqual(person);
    expect(personOf("NaturalPersonAutoApproved", "NaturalPersonManuallyApproved")).toEqual(person);
  });

  test("of a start and of the submission before it give one person in either order", () => {
    const person = {
      ...knownTypes.NaturalPersonStartedIDUpload.person,
      personalInfoSubmittedAt: "2022-02-01T15:09:26.1712603Z",
      firstEventAt: "2022-02-01T15:09:26.1712603Z",
      version: 2,
    };
    expect(personOf("NaturalPersonStartedIDUpload", "NaturalPersonPending")).toEqual(person);
    expect(personOf("NaturalPersonPending", "NaturalPersonStartedIDUpload")).toEqual(person);
  });
});

describe("fields of known types", () => {
  test.each(Object.entries(knownTypes))("of %s are all tested below", (event, { texts, flags, keys }) => {
    const { shape } = naturalPersonEvents[event as NaturalPersonEvent["event"]];
    expect([...texts, ...flags, ...keys].toSorted()).toEqual(Object.keys(shape).toSorted());
  });

  const wrongText = [5, "#12345678901234567890", true, {}, ["text"]];
  const wrongFlag = ["true", 1, {}, []];
  const wrongKey = [undefined, null, "", true, {}, ["key"]];
  const fields = Object.entries(knownTypes).flatMap(([event, { texts, flags, keys }]) => [
    ...texts.map((field) => ({ event, keys, field, wrong: wrongText })),
    ...flags.map((field) => ({ event, keys, field, wrong: wrongFlag })),
    ...keys.map((field) => ({ event, keys, field, wrong: wrongKey })),
  ]);
  test.each(fields)("$event is invalid with a wrong $field", ({ event, keys, field, wrong }) => {
    const required = Object.fromEntries(keys.map((key) => [key, "k"]));
    parsed({ ...ENVELOPE, event, data: { entityId: ENTITY, ...required } });
    for (const value of wrong) {
      const data = { entityId: ENTITY, ...required, [field]: value };
      const failure = parseFailure({ ...ENVELOPE, event, data });
      expect({ value, reason: failure.reason, paths: issuePaths(failure) }).toEqual({
        value,
        reason: "invalid-event",
        paths: [`data.${field}`],
      });
    }
  });
});

function onlyEventAt(time: string): { firstEventAt: string; lastEventAt: string } {
  return { firstEventAt: time, lastEventAt: time };
}

/** Returns the person whose events are these types' samples. */
function personOf(...types: string[]): Person | undefined {
  const events = types.map(sampleOf);
  const folded = fold(events[0]?.entityId ?? "", events);
  return folded && toPerson(folded.state);
}

function sampleOf(type: string): Event {
  const sample = samples().find(({ event }) => event === type);
  const delivery = sample && parseDelivery(sample.body);
  if (delivery?.ok !== true) throw new Error(`${type} has no sample that can be parsed`);
  return delivery.value;
}
