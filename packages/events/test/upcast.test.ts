import { describe, expect, test } from "vitest";
import { canonicalJson, parseJson, recognise, upcast, type JsonObject } from "../src/index.ts";
import { eventAt, given, minute } from "./state-change.ts";

describe("data with PascalCase names", () => {
  const stored = parseJson('{"EntityId":"e","Entity":"Jane Doe","IsClientUpdateRequest":true}') as JsonObject;

  test("is the same as in today's shape", () => {
    const today = { entityId: "e", entity: "Jane Doe", isClientUpdateRequest: true };
    expect(upcast(stored)).toEqual(today);
    expect(recognise("NaturalPersonPending", stored)).toEqual(recognise("NaturalPersonPending", today));
  });
  test("is folded as such", () => {
    const approved = eventAt(1, "NaturalPersonAutoApproved");
    expect(given(approved).when(eventAt(2, "NaturalPersonPending", stored))).toEqual({
      name: "Jane Doe",
      reviewNeeded: true,
      personalInfoSubmittedAt: minute(2),
    });
  });
  test("keeps both values of a name that it has in both cases", () => {
    const both = { EntityId: "old", entityId: "new", Entity: "Jane Doe" };
    expect(upcast(both)).toEqual({ EntityId: "old", entityId: "new", entity: "Jane Doe" });
  });
  test("keeps `__proto__` as a name like any other", () => {
    const text = '{"Entity":"Jane Doe","__proto__":{"email":"x"}}';
    expect(canonicalJson(upcast(parseJson(text) as JsonObject))).toBe(
      '{"__proto__":{"email":"x"},"entity":"Jane Doe"}',
    );
  });
});

test("data in today's shape is returned as it is", () => {
  const today = { entityId: "e", entity: "Jane Doe" };
  expect(upcast(today)).toBe(today);
});
