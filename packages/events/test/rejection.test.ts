import { describe, expect, test } from "vitest";
import { MAX_DEPTH, MAX_ID_LENGTH } from "../src/index.ts";
import { accepted, ENTITY, ENVELOPE, paths, rejected } from "./reading.ts";

describe("refuses as unparsable", () => {
  const text = JSON.stringify(ENVELOPE);
  test.each<[string, string | Uint8Array, string]>([
    ["no bytes at all", "", "the body is not JSON"],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "the body's 3 bytes are not UTF-8"],
    [
      "half a surrogate pair in UTF-8",
      Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
      "the body's 5 bytes are not UTF-8",
    ],
    ["UTF-16", Buffer.from("\ufeff{}", "utf16le"), "the body's 6 bytes are not UTF-8"],
    ["what is no JSON", "id=254&event=NaturalPersonPending", "the body is not JSON"],
    [
      "JSON that ends too soon",
      text.slice(0, -1),
      `the body is not JSON, from character ${text.length - 1} on`,
    ],
    ["JSON that goes on", `${text}}`, `the body is not JSON, from character ${text.length} on`],
    [
      "a raw NUL in a text",
      text.replace("John", "\0"),
      `the body is not JSON, from character ${text.indexOf("John")} on`,
    ],
    ["NaN", '{"id":NaN}', "the body is not JSON"],
    ["a text", '"254"', "the body is JSON, but no object"],
    ["a number", "254", "the body is JSON, but no object"],
    ["a long number", "12345678901234567890", "the body is JSON, but no object"],
    ["null", "null", "the body is JSON, but no object"],
    ["an array", `[${text}]`, "the body is JSON, but no object"],
  ])("%s", (_, body, message) => {
    expect(rejected(body)).toEqual({ reason: "unparsable", message, issues: [] });
  });

  const nested = (levels: number) => `${"[".repeat(levels)}12345678901234567890${"]".repeat(levels)}`;
  test.each(["data", "envelope"])(
    "nesting beyond MAX_DEPTH in its %s, however deep, at no cost to the stack",
    (where) => {
      const body = (levels: number) =>
        where === "data"
          ? text.replace('"John Doe"', nested(levels)).replace("NaturalPersonPending", "Other")
          : text.replace('"natural-person-pending"', nested(levels));
      const outside = where === "data" ? 2 : 1;
      accepted(body(MAX_DEPTH - outside));
      for (const levels of [MAX_DEPTH - outside + 1, 10_000, 400_000]) {
        expect(rejected(body(levels)).message).toBe("the body is nested deeper than 100 levels");
      }
    },
  );
});

describe("refuses as invalid-event, naming the path", () => {
  const identifiers = [
    ["a missing", undefined, "expected a string"],
    ["a null", null, "expected a string"],
    ["a true", true, "expected a string"],
    ["an object as", { id: 5 }, "expected a string"],
    ["an array as", ["254"], "expected a string"],
    ["an empty", "", "is empty"],
    ["a too long", "x".repeat(MAX_ID_LENGTH + 1), "is longer than 200 characters"],
    ["a too long number as", `#${"9".repeat(MAX_ID_LENGTH + 1)}`, "is longer than 200 characters"],
    ["a NUL in", "25\u00004", "holds a NUL character or half a surrogate pair"],
    ["a lone surrogate in", "25\ud8004", "holds a NUL character or half a surrogate pair"],
  ] as const;
  test.each(identifiers)("%s id, event or entityId", (_, id, message) => {
    expect(rejected({ ...ENVELOPE, id, event: id })).toEqual({
      reason: "invalid-event",
      message: `event: ${message}; id: ${message}`,
      issues: [
        { path: "event", message },
        { path: "id", message },
      ],
      identity: { entityId: ENTITY },
    });
    expect(rejected({ ...ENVELOPE, data: { entityId: id } }).issues).toEqual([
      { path: "data.entityId", message },
    ]);
  });

  test.each([undefined, null, 1643728166, {}])("%j as the time", (creationTimeUtc) => {
    expect(paths(rejected({ ...ENVELOPE, creationTimeUtc }))).toEqual(["creationTimeUtc"]);
  });
  test.each(["", "yesterday", "2022-02-30T15:09:26Z", "2022-02-01T15:09:26.12345678Z"])(
    "%j as the time",
    (time) => {
      expect(rejected({ ...ENVELOPE, creationTimeUtc: time }).issues).toEqual([
        {
          path: "creationTimeUtc",
          message: "expected an ISO 8601 time with at most seven fractional digits",
        },
      ]);
    },
  );

  const noObjects = [undefined, null, "text", 5, "#12345678901234567890", true, [], [{ entityId: ENTITY }]];
  test.each(noObjects.map((data) => ({ data })))("$data as data", ({ data }) => {
    expect(rejected({ ...ENVELOPE, data }).issues).toEqual([{ path: "data", message: "expected an object" }]);
  });

  test("all that is wrong with an envelope, at once", () => {
    expect(paths(rejected({}))).toEqual(["event", "id", "creationTimeUtc", "data"]);
  });

  const person = { texts: ["entity", "email"], flags: ["isClientUpdateRequest"], keys: [] as string[] };
  const approval = {
    ...person,
    texts: [...person.texts, "userName", "userEmail", "entityStatus", "description"],
  };
  const document = { ...person, keys: ["sessionId", "documentType"] };
  const documented = {
    NaturalPersonPending: person,
    NaturalPersonStartedIDUpload: document,
    NaturalPersonUploadedID: document,
    NaturalPersonUploadedSupportingDocument: {
      ...person,
      texts: [...person.texts, "supportingDocumentType", "supportingDocumentDescription"],
      keys: ["supportingDocumentId"],
    },
    NaturalPersonManuallyApproved: approval,
    NaturalPersonAutoApproved: approval,
  };
  const wrongText = [5, "#12345678901234567890", true, {}, ["text"]];
  const wrongFlag = ["true", 1, {}, []];
  const wrongKey = [undefined, null, "", true, {}, ["key"]];
  const fields = Object.entries(documented).flatMap(([event, { texts, flags, keys }]) => [
    ...texts.map((field) => ({ event, keys, field, wrong: wrongText })),
    ...flags.map((field) => ({ event, keys, field, wrong: wrongFlag })),
    ...keys.map((field) => ({ event, keys, field, wrong: wrongKey })),
  ]);
  test.each(fields)("$field of a wrong type in $event", ({ event, keys, field, wrong }) => {
    const right = Object.fromEntries(keys.map((key) => [key, "k"]));
    accepted({ ...ENVELOPE, event, data: { entityId: ENTITY, ...right } });
    for (const value of wrong) {
      const data = { entityId: ENTITY, ...right, [field]: value };
      const rejection = rejected({ ...ENVELOPE, event, data });
      expect({ value, reason: rejection.reason, paths: paths(rejection) }).toEqual({
        value,
        reason: "invalid-event",
        paths: [`data.${field}`],
      });
    }
  });

  test("the event that it would have been, each part of its identity that can be read", () => {
    const data = { entityId: ENTITY, email: 5 };
    const { id, event } = ENVELOPE;
    const whole = { event, id, entityId: ENTITY };
    expect(rejected({ ...ENVELOPE, data }).identity).toEqual(whole);
    expect(rejected({ ...ENVELOPE, creationTimeUtc: "yesterday" }).identity).toEqual(whole);
    expect(rejected({ ...ENVELOPE, data: {} }).identity).toEqual({ event, id });
    expect(rejected({ ...ENVELOPE, data: "none" }).identity).toEqual({ event, id });
    expect(rejected({ ...ENVELOPE, id: "\0" }).identity).toEqual({ event, entityId: ENTITY });
    expect(rejected({ WebhookEvent: event, Data: { EntityId: ENTITY } }).identity).toEqual({
      event,
      entityId: ENTITY,
    });
    expect(rejected({}).identity).toEqual({});
    expect(rejected("no JSON").identity).toBeUndefined();
  });

  test("a field in PascalCase under today's name", () => {
    const data = { EntityId: ENTITY, IsClientUpdateRequest: "yes" };
    expect(paths(rejected({ ...ENVELOPE, data }))).toEqual(["data.isClientUpdateRequest"]);
    expect(paths(rejected({ ...ENVELOPE, data: { EntityId: "" } }))).toEqual(["data.entityId"]);
  });
});
