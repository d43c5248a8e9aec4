import fc from "fast-check";
import { expect, test } from "vitest";
import { deliveryDigest, type KeptDelivery } from "../src/index.ts";

const KEPT: KeptDelivery = {
  deliveryId: "0197a3b0-0000-7000-8000-000000000001",
  body: Buffer.from('{"id":"254"}'),
  headersJson: '{"content-type":"application/json"}',
  verifiedBy: "signature",
  secretFingerprint: "f00d",
};

test("a delivery's digest stays what it was when it was recorded", () => {
  expect(deliveryDigest(KEPT).toString("hex")).toBe(
    "5b7a5f37402f3d649cc48db04e73e8e13f37fee90a9779ded3f340136a6fcf96",
  );
});

test.each<[string, Partial<KeptDelivery>]>([
  ["deliveryId", { deliveryId: "0197a3b0-0000-7000-8000-000000000002" }],
  ["body", { body: Buffer.from('{"id":"255"}') }],
  ["headersJson", { headersJson: '{"content-type": "application/json"}' }],
  ["verifiedBy", { verifiedBy: "payload-secret" }],
  ["secretFingerprint", { secretFingerprint: "F00d" }],
])("a delivery with a different %s has a different digest", (_, change) => {
  expect(deliveryDigest({ ...KEPT, ...change })).not.toEqual(deliveryDigest(KEPT));
});

test("a byte that moves between the other fields and the body changes the digest", () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), fc.string(), (a, moved, b) => {
      const before = { ...KEPT, secretFingerprint: a + moved, body: Buffer.from(b) };
      const after = { ...KEPT, secretFingerprint: a, body: Buffer.from(moved + b) };
      expect(deliveryDigest(before)).not.toEqual(deliveryDigest(after));
    }),
    { numRuns: 500, examples: [["A", '"]', "B"]] },
  );
});
