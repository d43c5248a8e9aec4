import { describe, expect, onTestFinished, test } from "vitest";
import {
  canonicalJson,
  fold,
  parseJson,
  parseDelivery,
  recognise,
  toPerson,
  upcast,
  type JsonObject,
} from "../src/index.ts";
import { naturalPersonEvents } from "../src/natural-person-events.ts";
import { given, minute, told } from "./given.ts";
import { ENVELOPE } from "./reading.ts";

const UPLOADED = "NaturalPersonUploadedID";

describe("a type that the code does not know yet", () => {
  test("is no fault: recognised as unknown, whatever its data, and read from a delivery", () => {
    expect(recognise("NaturalPersonExpired", { entity: 5 })).toEqual({ kind: "unknown-type" });
    const body = Buffer.from(JSON.stringify({ ...ENVELOPE, event: "NaturalPersonExpired" }));
    expect(parseDelivery(body)).toMatchObject({ ok: true, value: { event: "NaturalPersonExpired" } });
  });

  test("is folded from the same log once the code has learnt it", () => {
    const refold = () => {
      const folded = fold("e", [
        told(1, "NaturalPersonPending"),
        told(2, UPLOADED, { documentType: "passport", sessionId: "s1" }),
      ]);
      return folded && toPerson(folded.state);
    };
    const learn = forget(UPLOADED);

    const before = refold();
    expect(before).toMatchObject({
      status: "pending",
      identityDocuments: [],
      unrecognisedEvents: 1,
      version: 2,
    });
    learn();
    expect(refold()).toEqual({
      ...before,
      status: "id-uploaded",
      identityDocuments: [{ type: "passport", sessionId: "s1", startedAt: null, uploadedAt: minute(2) }],
      unrecognisedEvents: 0,
    });
  });
});

describe("data stored in PascalCase", () => {
  const stored = parseJson('{"EntityId":"e","Entity":"Jane Doe","IsClientUpdateRequest":true}') as JsonObject;

  test("says what it would say had it been stored today", () => {
    const today = { entityId: "e", entity: "Jane Doe", isClientUpdateRequest: true };
    expect(upcast(stored)).toEqual(today);
    expect(recognise("NaturalPersonPending", stored)).toEqual(recognise("NaturalPersonPending", today));
  });
  test("is folded as such", () => {
    expect(given(told(1, "NaturalPersonAutoApproved")).when(told(2, "NaturalPersonPending", stored))).toEqual(
      {
        name: "Jane Doe",
        reviewNeeded: true,
        personalInfoSubmittedAt: minute(2),
      },
    );
  });
  test("is left alone once it is in today's shape", () => {
    const today = upcast(stored);
    expect(upcast(today)).toBe(today);
  });
  test("hides nothing where a name stands in both cases", () => {
    const both = { EntityId: "old", entityId: "new", Entity: "Jane Doe" };
    expect(upcast(both)).toEqual({ EntityId: "old", entityId: "new", entity: "Jane Doe" });
  });
  test("keeps `__proto__` a name like any other", () => {
    const text = '{"Entity":"Jane Doe","__proto__":{"email":"x"}}';
    expect(canonicalJson(upcast(parseJson(text) as JsonObject))).toBe(
      '{"__proto__":{"email":"x"},"entity":"Jane Doe"}',
    );
  });
});

/** Makes today's code one that was written before this type; gives the way to learn it. */
function forget(event: keyof typeof naturalPersonEvents): () => void {
  const schemas: Record<string, unknown> = naturalPersonEvents;
  const schema = schemas[event];
  const learn = () => {
    schemas[event] = schema;
  };
  delete schemas[event];
  onTestFinished(learn);
  return learn;
}
