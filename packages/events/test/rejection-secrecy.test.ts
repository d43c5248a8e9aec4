import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDelivery, type DeadLetter } from "../src/index.ts";
import { ENTITY, ENVELOPE } from "./reading.ts";

describe("what a rejection says holds nothing of the payload", () => {
  // In part the way in which V8 words a position: a message that looks for one must not be fooled by the payload.
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
  const field = (right: unknown) => fc.option(fc.oneof(fc.constant(right), canary), { nil: undefined });
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

  test("when fields are wrong", () => {
    fc.assert(
      fc.property(payload, (payload) => {
        const delivery = parseDelivery(Buffer.from(JSON.stringify(payload)));
        expect(delivery.ok || leaks(delivery.error)).toBe(delivery.ok);
      }),
      { numRuns: 3000 },
    );
  });

  test("when the text is broken at any place", () => {
    const texts = fc.oneof(
      payload.map((payload) => JSON.stringify(payload)),
      fc.constantFrom(`{"a":"${CANARY}"}`, `{"a":tru${CANARY}}`, `${CANARY}`, `{"a":98765}`, `[1,${CANARY}`),
    );
    const slip = fc.constantFrom("", '"', "}", "]", ",", ":", "\\", "\n", "x", "0", "tru");
    fc.assert(
      fc.property(texts, fc.nat(), slip, fc.nat({ max: 3 }), (text, at, slip, cut) => {
        const place = at % (text.length + 1);
        const broken = text.slice(0, place) + slip + text.slice(place + cut);
        const delivery = parseDelivery(Buffer.from(broken));
        expect(delivery.ok || leaks(delivery.error)).toBe(delivery.ok);
      }),
      { numRuns: 5000, examples: [[`{"a":tru${CANARY}}`, 0, "", 0]] },
    );
  });
});

test("any bytes whatever end as an event or as a rejection, never as an exception", () => {
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
