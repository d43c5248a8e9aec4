import { describe, expect, test } from "vitest";
import { formatTicks, identityKey, MAX_ID_LENGTH, parseDelivery } from "../src/index.ts";
import { accepted, ENTITY, ENVELOPE, paths, rejected } from "./reading.ts";

describe("tolerates", () => {
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
    const told = accepted({ ...ENVELOPE, id, event: id, data: { entityId: id } });
    expect([told.id, told.event, told.entityId]).toEqual([text, text, text]);
  });

  test.each([
    ["seven fractional digits", "2022-02-01T15:09:26.1712603Z", "2022-02-01T15:09:26.1712603Z"],
    ["fewer", "2022-02-01T15:09:26.17Z", "2022-02-01T15:09:26.1700000Z"],
    ["none", "2022-02-01T15:09:26Z", "2022-02-01T15:09:26.0000000Z"],
    ["no zone, which is UTC", "2022-02-02T16:07:42.2050562", "2022-02-02T16:07:42.2050562Z"],
    ["an offset", "2022-02-01T15:09:26.1712603+01:00", "2022-02-01T14:09:26.1712603Z"],
  ])("a time with %s", (_, creationTimeUtc, utc) => {
    expect(formatTicks(accepted({ ...ENVELOPE, creationTimeUtc }).ticks)).toBe(utc);
  });

  test("fields that nobody documented, in the envelope and in data, where they are kept", () => {
    const data = { ...ENVELOPE.data, riskScore: 0.7, notes: [{ by: "someone" }] };
    const told = accepted({ ...ENVELOPE, attempt: 3, tenantId: { any: null }, data });
    expect(JSON.parse(told.dataJson)).toEqual(data);
  });

  test("another attempt at another time: the same identity and the same data", () => {
    const first = accepted(ENVELOPE);
    const retry = accepted({ ...ENVELOPE, attempt: 2, creationTimeUtc: "2022-02-01T15:10:26.5Z" });
    expect(identityKey(retry)).toBe(identityKey(first));
    expect(retry.dataDigest.equals(first.dataDigest)).toBe(true);
    expect(retry.ticks).toBeGreaterThan(first.ticks);
  });

  test("`webhookEvent` for `event`, which wins where both stand", () => {
    const { event, ...rest } = ENVELOPE;
    expect(accepted({ ...rest, webhookEvent: event }).event).toBe(event);
    expect(accepted({ ...rest, WebhookEvent: event }).event).toBe(event);
    expect(accepted({ ...ENVELOPE, webhookEvent: "Other" }).event).toBe(event);
  });

  test("PascalCase names: the same event, the same data, kept as they came", () => {
    const told = accepted({
      Id: ENVELOPE.id,
      Event: ENVELOPE.event,
      Data: { EntityId: ENTITY, Entity: "John Doe" },
      CreationTimeUtc: ENVELOPE.creationTimeUtc,
    });
    const { dataDigest, dataJson, ...place } = told;
    expect(accepted(ENVELOPE)).toMatchObject(place);
    expect(dataDigest.equals(accepted(ENVELOPE).dataDigest)).toBe(true);
    expect(dataJson).toBe(`{"Entity":"John Doe","EntityId":"${ENTITY}"}`);
  });

  test("a byte order mark, also right after bytes that were no UTF-8", () => {
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(JSON.stringify(ENVELOPE))]);
    expect(parseDelivery(Buffer.from([0xef, 0xbb]))).toMatchObject({ ok: false });
    expect(parseDelivery(marked)).toMatchObject({ ok: true, value: { id: "254" } });
    expect(parseDelivery(marked)).toMatchObject({ ok: true, value: { id: "254" } });
  });

  test("a type that nobody documented, with whatever data", () => {
    const data = { entityId: ENTITY, entity: 5, isClientUpdateRequest: "perhaps" };
    expect(accepted({ ...ENVELOPE, event: "NaturalPersonRejected", data }).event).toBe(
      "NaturalPersonRejected",
    );
  });

  test("data that says nothing beside whose it is, or says null", () => {
    expect(accepted({ ...ENVELOPE, data: { entityId: ENTITY } }).entityId).toBe(ENTITY);
    const data = { entityId: ENTITY, entity: null, email: null, isClientUpdateRequest: null };
    expect(accepted({ ...ENVELOPE, data }).entityId).toBe(ENTITY);
  });
});

describe("data is the same", () => {
  const digest = (body: string) =>
    accepted(
      `{"id":1,"event":"E","creationTimeUtc":"2022-02-01T15:09:26","data":${body}}`,
    ).dataDigest.toString("hex");

  test.each([
    [
      "in another order of names, with other white space",
      '{"entityId":"e","a":1}',
      '{ "a": 1,\n"entityId": "e" }',
    ],
    ["with other escapes", '{"entityId":"e","a":"\u00e9/"}', String.raw`{"entityId":"e","a":"\u00e9\/"}`],
    ["with a number written otherwise", '{"entityId":"e","a":1.50}', '{"entityId":"e","a":15e-1}'],
    ["in PascalCase", '{"entityId":"e","a":1}', '{"EntityId":"e","A":1}'],
  ])("%s", (_, a, b) => {
    expect(digest(a)).toBe(digest(b));
  });

  test.each([
    [
      "a number's twentieth digit",
      '{"entityId":"e","a":1234567890123456789.1}',
      '{"entityId":"e","a":1234567890123456789.2}',
    ],
    ["a text's white space", '{"entityId":"e","a":"x"}', '{"entityId":"e","a":"x "}'],
    ["the order of items", '{"entityId":"e","a":[1,2]}', '{"entityId":"e","a":[2,1]}'],
    ["null for nothing", '{"entityId":"e"}', '{"entityId":"e","a":null}'],
    ["a number for its text", '{"entityId":"e","a":1}', '{"entityId":"e","a":"1"}'],
  ])("not with %s", (_, a, b) => {
    expect(digest(a)).not.toBe(digest(b));
  });
});

test("`__proto__` and `constructor` as names are kept, and lend a delivery nothing that it lacks", () => {
  const data = `{"__proto__":{"entity":"Nobody"},"constructor":1,"entityId":"e"}`;
  const told = accepted(`{"id":1,"event":"E","creationTimeUtc":"2022-02-01T15:09:26","data":${data}}`);
  expect(told.dataJson).toBe(`{"__proto__":{"entity":"Nobody"},"constructor":1,"entityId":"e"}`);
  const inherited = `{"__proto__":{"event":"E","data":{"entityId":"e"}},"id":1,"creationTimeUtc":"2022-02-01T15:09:26"}`;
  expect(paths(rejected(inherited))).toEqual(["event", "data"]);
  expect(paths(rejected(inherited.replace("__proto__", "__Proto__")))).toEqual(["event", "data"]);
});
