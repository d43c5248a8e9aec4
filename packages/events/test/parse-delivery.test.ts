import { describe, expect, test } from "vitest";
import {
  formatTicks,
  identityKey,
  MAX_ID_LENGTH,
  parseDelivery,
  parsePartialIdentity,
} from "../src/index.ts";
import { ENTITY, ENVELOPE, issuePaths, parsed, parseFailure } from "./parsing.ts";

describe("parses", () => {
  test.each([
    ["digits as text", "253", "253"],
    ["a number", 253, "253"],
    ["a number beyond a double", "#12345678901234567890", "12345678901234567890"],
    [
      "an id that is no UUID",
      "8da6eb06-778a-40a4-b2a5-81json20cb440982",
      "8da6eb06-778a-40a4-b2a5-81json20cb440982",
    ],
    ["any characters", " Ж/😀:\n", " Ж/😀:\n"],
    ["the longest text", "x".repeat(MAX_ID_LENGTH), "x".repeat(MAX_ID_LENGTH)],
  ])("%s as any id", (_, id, text) => {
    const event = parsed({ ...ENVELOPE, id, event: id, data: { entityId: id } });
    expect([event.id, event.event, event.entityId]).toEqual([text, text, text]);
  });

  test.each([
    ["seven fractional digits", "2022-02-01T15:09:26.1712603Z", "2022-02-01T15:09:26.1712603Z"],
    ["fewer", "2022-02-01T15:09:26.17Z", "2022-02-01T15:09:26.1700000Z"],
    ["none", "2022-02-01T15:09:26Z", "2022-02-01T15:09:26.0000000Z"],
    ["no zone, which is UTC", "2022-02-02T16:07:42.2050562", "2022-02-02T16:07:42.2050562Z"],
    ["an offset", "2022-02-01T15:09:26.1712603+01:00", "2022-02-01T14:09:26.1712603Z"],
  ])("a time with %s", (_, creationTimeUtc, utc) => {
    expect(formatTicks(parsed({ ...ENVELOPE, creationTimeUtc }).ticks)).toBe(utc);
  });

  test("unknown fields, and keeps those of data", () => {
    const data = { ...ENVELOPE.data, riskScore: 0.7, notes: [{ by: "someone" }] };
    const event = parsed({ ...ENVELOPE, attempt: 3, tenantId: { any: null }, data });
    expect(JSON.parse(event.dataJson)).toEqual(data);
  });

  test("another attempt at another time as the same identity and the same data", () => {
    const first = parsed(ENVELOPE);
    const retry = parsed({ ...ENVELOPE, attempt: 2, creationTimeUtc: "2022-02-01T15:10:26.5Z" });
    expect(identityKey(retry)).toBe(identityKey(first));
    expect(retry.dataDigest.equals(first.dataDigest)).toBe(true);
    expect(retry.ticks).toBeGreaterThan(first.ticks);
  });

  test("`webhookEvent` as `event`, unless there is an `event`", () => {
    const { event, ...rest } = ENVELOPE;
    expect(parsed({ ...rest, webhookEvent: event }).event).toBe(event);
    expect(parsed({ ...rest, WebhookEvent: event }).event).toBe(event);
    expect(parsed({ ...ENVELOPE, webhookEvent: "Other" }).event).toBe(event);
  });

  test("PascalCase names as the same event with the same data, and keeps the names", () => {
    const event = parsed({
      Id: ENVELOPE.id,
      Event: ENVELOPE.event,
      Data: { EntityId: ENTITY, Entity: "John Doe" },
      CreationTimeUtc: ENVELOPE.creationTimeUtc,
    });
    const { dataDigest, dataJson, ...rest } = event;
    expect(parsed(ENVELOPE)).toMatchObject(rest);
    expect(dataDigest.equals(parsed(ENVELOPE).dataDigest)).toBe(true);
    expect(dataJson).toBe(`{"Entity":"John Doe","EntityId":"${ENTITY}"}`);
  });

  test("a byte order mark, also after a body that was not UTF-8", () => {
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(JSON.stringify(ENVELOPE))]);
    expect(parseDelivery(Buffer.from([0xef, 0xbb]))).toMatchObject({ ok: false });
    expect(parseDelivery(marked)).toMatchObject({ ok: true, value: { id: "254" } });
    expect(parseDelivery(marked)).toMatchObject({ ok: true, value: { id: "254" } });
  });

  test("an unknown type with any data", () => {
    const data = { entityId: ENTITY, entity: 5, isClientUpdateRequest: "perhaps" };
    expect(parsed({ ...ENVELOPE, event: "NotYetKnown", data }).event).toBe("NotYetKnown");
  });

  test("data with an entityId alone, or with null in all other fields", () => {
    expect(parsed({ ...ENVELOPE, data: { entityId: ENTITY } }).entityId).toBe(ENTITY);
    const data = { entityId: ENTITY, entity: null, email: null, isClientUpdateRequest: null };
    expect(parsed({ ...ENVELOPE, data }).entityId).toBe(ENTITY);
  });
});

describe("the digest is the same for data", () => {
  const digest = (body: string) =>
    parsed(`{"id":1,"event":"E","creationTimeUtc":"2022-02-01T15:09:26","data":${body}}`).dataDigest.toString(
      "hex",
    );

  test.each([
    [
      "in another order of names, with other white space",
      '{"entityId":"e","a":1}',
      '{ "a": 1,\n"entityId": "e" }',
    ],
    ["with other escapes", '{"entityId":"e","a":"\u00e9/"}', String.raw`{"entityId":"e","a":"\u00e9\/"}`],
    ["with a number in another notation", '{"entityId":"e","a":1.50}', '{"entityId":"e","a":15e-1}'],
    ["in PascalCase", '{"entityId":"e","a":1}', '{"EntityId":"e","A":1}'],
  ])("%s", (_, a, b) => {
    expect(digest(a)).toBe(digest(b));
  });

  test.each([
    [
      "twentieth digit of a number",
      '{"entityId":"e","a":1234567890123456789.1}',
      '{"entityId":"e","a":1234567890123456789.2}',
    ],
    ["white space in a text", '{"entityId":"e","a":"x"}', '{"entityId":"e","a":"x "}'],
    ["order of items", '{"entityId":"e","a":[1,2]}', '{"entityId":"e","a":[2,1]}'],
    ["absence: null for a missing field", '{"entityId":"e"}', '{"entityId":"e","a":null}'],
    ["type: a number for its text", '{"entityId":"e","a":1}', '{"entityId":"e","a":"1"}'],
  ])("but not with a different %s", (_, a, b) => {
    expect(digest(a)).not.toBe(digest(b));
  });
});

test("`__proto__` and `constructor` are names like any other, and add no fields", () => {
  const data = `{"__proto__":{"entity":"Nobody"},"constructor":1,"entityId":"e"}`;
  const event = parsed(`{"id":1,"event":"E","creationTimeUtc":"2022-02-01T15:09:26","data":${data}}`);
  expect(event.dataJson).toBe(`{"__proto__":{"entity":"Nobody"},"constructor":1,"entityId":"e"}`);
  const inherited = `{"__proto__":{"event":"E","data":{"entityId":"e"}},"id":1,"creationTimeUtc":"2022-02-01T15:09:26"}`;
  expect(issuePaths(parseFailure(inherited))).toEqual(["event", "data"]);
  expect(issuePaths(parseFailure(inherited.replace("__proto__", "__Proto__")))).toEqual(["event", "data"]);
});

test.each([
  ["valid", ENVELOPE],
  [
    "PascalCase",
    { Id: 1, WebhookEvent: "NaturalPersonPending", Data: { EntityId: 2 }, CreationTimeUtc: "no time" },
  ],
  ["of a type with wrong data", { ...ENVELOPE, event: "NaturalPersonUploadedID" }],
  ["without ids", { event: "", data: { entityId: [] } }],
  ["without data", { ...ENVELOPE, data: null }],
  ["no object", []],
])("the identity alone of a payload that is %s is that of the whole", (_, payload) => {
  const body = Buffer.from(JSON.stringify(payload));
  const whole = parseDelivery(body);
  const { event, id, entityId } = (whole.ok ? whole.value : whole.error.identity) ?? {};
  const isParsed = whole.ok || whole.error.identity !== undefined;
  expect(parsePartialIdentity(body)).toEqual(isParsed ? { event, id, entityId } : undefined);
});
