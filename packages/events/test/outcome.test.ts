import { expect, test } from "vitest";
import { errorClass, foldFailed, plainMessage } from "../src/index.ts";

test.each([
  ["TypeError: no Jane", "TypeError"],
  ["DatabaseError 22P02: no Jane", "DatabaseError 22P02"],
  ["Jane Doe was here: really", "Error"],
])("of an error that says %j, the class and the code are shown", (error, expected) => {
  expect(errorClass(error)).toBe(expected);
  expect(foldFailed(3, error, undefined).message).toBe(`attempts failed: 3, the last one with ${expected}`);
});

test("a dead letter of an earlier version is read without what its last error said", () => {
  const message = "attempts failed: 8, the last one with TypeError: no Jane";
  expect(plainMessage({ reason: "fold-failed", message })).toBe(
    "attempts failed: 8, the last one with TypeError",
  );
  expect(plainMessage({ reason: "unparsable", message: "a: b" })).toBe("a: b");
});
