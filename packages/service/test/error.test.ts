import { describe, expect, test } from "vitest";
import { describeError } from "../src/index.ts";

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** A server error as pg gives it: an Error with Postgres's fields on it. */
class DatabaseError extends Error {
  readonly code: string;
  readonly detail = "Key (email)=(jane@example.com) already exists.";
  readonly where = "jane@example.com";
  readonly parameters = ["jane@example.com"];
  readonly query = "insert … 'jane@example.com'";
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

describe("describeError", () => {
  test("keeps type, code, message and frames of a database error, and none of its data", () => {
    const described = describeError(
      new DatabaseError("23505", 'duplicate key value violates unique constraint "events_pkey"'),
    );
    expect(described).toEqual({
      type: "DatabaseError",
      code: "23505",
      message: 'duplicate key value violates unique constraint "events_pkey"',
      stack: expect.stringContaining("error.test.ts"),
    });
  });

  test("drops the input that a data exception quotes, from message and stack", () => {
    const described = describeError(
      new DatabaseError("22P02", 'invalid input syntax for type json: "{"name":"Jane"}"'),
    );
    expect(described.message).toBe('invalid input syntax for type json: "…"');
    expect(JSON.stringify(described)).not.toContain("Jane");
  });

  test("drops the input that JSON.parse quotes", () => {
    const described = describeError(thrownBy(() => JSON.parse('{"a":Jane Doe}')));
    expect(described.type).toBe("SyntaxError");
    expect(JSON.stringify(described)).not.toContain("Jane");
  });

  test("names the first of several refusals, under an error without words", () => {
    const refusal = Object.assign(new Error("connect ECONNREFUSED ::1:5432"), {
      code: "ECONNREFUSED",
    });
    const described = describeError(Object.assign(new AggregateError([refusal]), { code: "ECONNREFUSED" }));
    expect(described.message).toBe("ECONNREFUSED");
    expect(described.cause?.message).toBe("connect ECONNREFUSED ::1:5432");
  });

  test("follows causes, and stops where they go in a circle", () => {
    const inner = new Error("inner");
    const outer = new Error("outer", { cause: inner });
    inner.cause = outer;
    expect(describeError(outer).cause?.message).toBe("inner");
  });

  test("says nothing of a thrown thing that is no error", () => {
    expect(describeError({ email: "jane@example.com" })).toEqual({
      type: "object",
      message: "something that is no Error was thrown",
    });
  });
});
