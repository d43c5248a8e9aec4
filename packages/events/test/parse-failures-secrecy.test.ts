import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDelivery, type DeadLetter } from "../src/index.ts";
import { ENTITY, ENVELOPE } from "./parsing.ts";

describe("a dead letter of a body that cannot be parsed contains nothing of the payload", () => {
  // Like V8's way to write a position, as the code searches the parser's messages for one.
  const CANARY = "§ at position 98765 §";
  const leaks = ({ message, issues }: DeadLetter) => /§|98765/.test(JSON.stringify({ message, issues }));

  const canary = fc.constantFrom<unknown>(
    CANARY,
    [CANARY],
    { [CANARY]: CANARY },
    98765,
    CANARY.repeat(9),
    `${CANARY}\0`,
  );
  const field = (valid: unknown) => fc.option(fc.oneof(fc.constant(valid), canary), { nil: undefined });
  const payload = fc.record(
    {
      id: field("254"),
      event: fc.oneof(field("NaturalPersonUploadedID"), field("NaturalPersonAutoApproved")),
      creationTimeUtc: field(ENVELOPE.creationTimeUtc),
      data: fc.oneof(
        canary,
        fc.record({
          entityId: field(ENTITY),
          entity: field(CANARY),
          email: field(CANARY),
          sessionId: field(CANARY),
          documentType: field(CANARY),
          userName: field(CANARY),
          isClientUpdateRequest: field(true),
          [CANARY]: canary,
        }),
      ),
    },
    { requiredKeys: [] },
  );

  test("if fields are wrong", () => {
    fc.assert(
      fc.property(payload, (payload) => {
        const result = parseDelivery(Buffer.from(JSON.stringify(payload)));
        expect(result.ok || leaks(result.error)).toBe(result.ok);
      }),
      { numRuns: 3000 },
    );
  });

  test("if the JSON is broken at any position", () => {
    const texts = fc.oneof(
      payload.map((payload) => JSON.stringify(payload)),
      fc.constantFrom(`{"a":"${CANARY}"}`, `{"a":tru${CANARY}}`, `${CANARY}`, `{"a":98765}`, `[1,${CANARY}`),
    );
    const typo = fc.constantFrom("", '"', "}", "]", ",", ":", "\\", "\n", "x", "0", "tru");
    fc.assert(
      fc.property(texts, fc.nat(), typo, fc.nat({ max: 3 }), (text, n, typo, removed) => {
        const at = n % (text.length + 1);
        const broken = text.slice(0, at) + typo + text.slice(at + removed);
        const result = parseDelivery(Buffer.from(broken));
        expect(result.ok || leaks(result.error)).toBe(result.ok);
      }),
      { numRuns: 5000, examples: [[`{"a":tru${CANARY}}`, 0, "", 0]] },
    );
  });
});

test("any bytes become an event or a dead letter, never an exception", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.jsonValue().map((data) => Buffer.from(JSON.stringify({ ...ENVELOPE, data }))),
  );
  fc.assert(
    fc.property(bytes, (body) => {
      expect(parseDelivery(body)).toHaveProperty("ok");
    }),
    { numRuns: 2000 },
  );
});
