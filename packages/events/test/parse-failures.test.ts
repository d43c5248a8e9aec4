import { describe, expect, test } from "vitest";
import { MAX_DEPTH, MAX_ID_LENGTH } from "../src/index.ts";
import { ENTITY, ENVELOPE, issuePaths, parsed, parseFailure } from "./parsing.ts";

describe("a body is unparsable if it is", () => {
  const text = JSON.stringify(ENVELOPE);
  test.each<[string, string | Uint8Array, string]>([
    ["empty", "", "the body is not JSON"],
    ["not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "the body's 3 bytes are not UTF-8"],
    [
      "a lone surrogate in UTF-8",
      Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
      "the body's 5 bytes are not UTF-8",
    ],
    ["UTF-16", Buffer.from("\ufeff{}", "utf16le"), "the body's 6 bytes are not UTF-8"],
    ["not JSON", "id=254&event=NaturalPersonPending", "the body is not JSON"],
    ["incomplete JSON", text.slice(0, -1), `the body is not JSON: error at character ${text.length - 1}`],
    ["JSON with more after it", `${text}}`, `the body is not JSON: error at character ${text.length}`],
    [
      "JSON with a raw NUL in a text",
      text.replace("John", "\0"),
      `the body is not JSON: error at character ${text.indexOf("John")}`,
    ],
    ["NaN", '{"id":NaN}', "the body is not JSON"],
    ["a text", '"254"', "the body is JSON, but not an object"],
    ["a number", "254", "the body is JSON, but not an object"],
    ["a long number", "12345678901234567890", "the body is JSON, but not an object"],
    ["null", "null", "the body is JSON, but not an object"],
    ["an array", `[${text}]`, "the body is JSON, but not an object"],
  ])("%s", (_, body, message) => {
    expect(parseFailure(body)).toEqual({ reason: "unparsable", message, issues: [] });
  });

  const nested = (levels: number) => `${"[".repeat(levels)}12345678901234567890${"]".repeat(levels)}`;
  test.each(["data", "envelope"])(
    "nested deeper than MAX_DEPTH in its %s, at any depth, without a stack overflow",
    (where) => {
      const body = (levels: number) =>
        where === "data"
          ? text.replace('"John Doe"', nested(levels)).replace("NaturalPersonPending", "Other")
          : text.replace('"natural-person-pending"', nested(levels));
      const outside = where === "data" ? 2 : 1;
      parsed(body(MAX_DEPTH - outside));
      for (const levels of [MAX_DEPTH - outside + 1, 10_000, 400_000]) {
        expect(parseFailure(body(levels)).message).toBe("the body is nested deeper than 100 levels");
      }
    },
  );
});

describe("the dead letter of an invalid event", () => {
  const identifiers = [
    ["a missing", undefined, "expected a string"],
    ["a null", null, "expected a string"],
    ["true as", true, "expected a string"],
    ["an object as", { id: 5 }, "expected a string"],
    ["an array as", ["254"], "expected a string"],
    [
      "an object with a length that no double holds as",
      { length: "#12345678901234567890" },
      "expected a string",
    ],
    ["an empty", "", "is empty"],
    ["a too long text as", "x".repeat(MAX_ID_LENGTH + 1), "is longer than 200 characters"],
    ["a too long number as", `#${"9".repeat(MAX_ID_LENGTH + 1)}`, "is longer than 200 characters"],
    ["a NUL in", "25\u00004", "contains a NUL character or a lone surrogate"],
    ["a lone surrogate in", "25\ud8004", "contains a NUL character or a lone surrogate"],
  ] as const;
  test.each(identifiers)("names %s id, event or entityId", (_, id, message) => {
    expect(parseFailure({ ...ENVELOPE, id, event: id })).toEqual({
      reason: "invalid-event",
      message: `event: ${message}; id: ${message}`,
      issues: [
        { path: "event", message },
        { path: "id", message },
      ],
      identity: { entityId: ENTITY },
    });
    expect(parseFailure({ ...ENVELOPE, data: { entityId: id } }).issues).toEqual([
      { path: "data.entityId", message },
    ]);
  });

  test.each([undefined, null, 1643728166, {}])("names %j as the time", (creationTimeUtc) => {
    expect(issuePaths(parseFailure({ ...ENVELOPE, creationTimeUtc }))).toEqual(["creationTimeUtc"]);
  });
  test.each(["", "yesterday", "2022-02-30T15:09:26Z", "2022-02-01T15:09:26.12345678Z"])(
    "names %j as the time",
    (time) => {
      expect(parseFailure({ ...ENVELOPE, creationTimeUtc: time }).issues).toEqual([
        {
          path: "creationTimeUtc",
          message: "expected an ISO 8601 time with at most seven fractional digits",
        },
      ]);
    },
  );

  const notAnObject = [undefined, null, "text", 5, "#12345678901234567890", true, [], [{ entityId: ENTITY }]];
  test.each(notAnObject.map((data) => ({ data })))("names $data as the data", ({ data }) => {
    expect(parseFailure({ ...ENVELOPE, data }).issues).toEqual([
      { path: "data", message: "expected an object" },
    ]);
  });

  test("names all wrong fields", () => {
    expect(issuePaths(parseFailure({}))).toEqual(["event", "id", "creationTimeUtc", "data"]);
  });

  test("has those parts of the event's identity that can be parsed", () => {
    const data = { entityId: ENTITY, email: 5 };
    const { id, event } = ENVELOPE;
    const whole = { event, id, entityId: ENTITY };
    expect(parseFailure({ ...ENVELOPE, data }).identity).toEqual(whole);
    expect(parseFailure({ ...ENVELOPE, creationTimeUtc: "yesterday" }).identity).toEqual(whole);
    expect(parseFailure({ ...ENVELOPE, data: {} }).identity).toEqual({ event, id });
    expect(parseFailure({ ...ENVELOPE, data: "none" }).identity).toEqual({ event, id });
    expect(parseFailure({ ...ENVELOPE, id: "\0" }).identity).toEqual({ event, entityId: ENTITY });
    expect(parseFailure({ WebhookEvent: event, Data: { EntityId: ENTITY } }).identity).toEqual({
      event,
      entityId: ENTITY,
    });
    expect(parseFailure({}).identity).toEqual({});
    expect(parseFailure("no JSON").identity).toBeUndefined();
  });

  test("names a field in PascalCase by its camelCase path", () => {
    const data = { EntityId: ENTITY, IsClientUpdateRequest: "yes" };
    expect(issuePaths(parseFailure({ ...ENVELOPE, data }))).toEqual(["data.isClientUpdateRequest"]);
    expect(issuePaths(parseFailure({ ...ENVELOPE, data: { EntityId: "" } }))).toEqual(["data.entityId"]);
  });
});
