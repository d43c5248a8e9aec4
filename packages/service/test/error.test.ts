import { describe, expect, test } from "vitest";
import { describeError } from "../src/index.ts";

function catchError(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** A server error as pg throws it: an Error with Postgres's fields. */
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
  test("returns type, code, message and frames of a database error, and none of its data", () => {
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

  test("removes the input that a data exception quotes, from message and stack", () => {
    const described = describeError(
      new DatabaseError("22P02", 'invalid input syntax for type json: "{"name":"Jane"}"'),
    );
    expect(described.message).toBe('invalid input syntax for type json: "…"');
    expect(JSON.stringify(described)).not.toContain("Jane");
  });

  test("removes the input that JSON.parse quotes", () => {
    const described = describeError(catchError(() => JSON.parse('{"a":Jane Doe}')));
    expect(described.type).toBe("SyntaxError");
    expect(JSON.stringify(described)).not.toContain("Jane");
  });

  test("returns the first of several connection errors as the cause", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED ::1:5432"), {
      code: "ECONNREFUSED",
    });
    const described = describeError(Object.assign(new AggregateError([refused]), { code: "ECONNREFUSED" }));
    expect(described.message).toBe("ECONNREFUSED");
    expect(described.cause?.message).toBe("connect ECONNREFUSED ::1:5432");
  });

  test("returns causes, and ends where they form a cycle", () => {
    const inner = new Error("inner");
    const outer = new Error("outer", { cause: inner });
    inner.cause = outer;
    expect(describeError(outer).cause?.message).toBe("inner");
  });

  test("returns nothing of a thrown value that is not an error", () => {
    expect(describeError({ email: "jane@example.com" })).toEqual({
      type: "object",
      message: "a value that is not an Error was thrown",
    });
  });
});
