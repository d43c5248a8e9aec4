import { hash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CHAIN_START, chainHash, type Entry } from "../src/index.ts";

const ENTRY: Entry = {
  kind: "event",
  entityId: "17f86a38-ee24-4686-8b4d-9251019f0009",
  seq: 1,
  event: "NaturalPersonPending",
  id: "254",
  ticks: 16_437_281_661_712_603n,
  dataJson: '{"entity":"John Doe"}',
  deliveryId: "0197a3b0-0000-7000-8000-000000000001",
  receivedTicks: 16_437_281_670_000_000n,
  deliveryDigest: hash("sha256", "body", "buffer"),
};

test("an entry's hash stays what it was when it was stored", () => {
  expect(chainHash(CHAIN_START, ENTRY).toString("hex")).toBe(
    "69524e3e890f8aa2fc1528c17a6f13a34fdd8e0bb9c69dd50b17b2f139abad81",
  );
});

test.each<[string, Partial<Entry>]>([
  ["kind", { kind: "redelivery" }],
  ["entityId", { entityId: "17f86a38-ee24-4686-8b4d-9251019f0008" }],
  ["seq", { seq: 2 }],
  ["event", { event: "NaturalPersonPendinG" }],
  ["id", { id: "0254" }],
  ["ticks", { ticks: ENTRY.ticks + 1n }],
  ["dataJson", { dataJson: '{"entity":"John  Doe"}' }],
  ["dataJson, removed", { dataJson: null }],
  ["dataJson, the text null", { dataJson: "null" }],
  ["deliveryId", { deliveryId: "0197a3b0-0000-7000-8000-000000000002" }],
  ["receivedTicks", { receivedTicks: ENTRY.receivedTicks - 1n }],
  ["deliveryDigest", { deliveryDigest: hash("sha256", "Body", "buffer") }],
])("an entry with a different %s has a different hash", (_, change) => {
  const changed = chainHash(CHAIN_START, { ...ENTRY, ...change });
  expect(changed.equals(chainHash(CHAIN_START, ENTRY))).toBe(false);
});

test("an entry after a different one has a different hash", () => {
  expect(chainHash(chainHash(CHAIN_START, ENTRY), ENTRY)).not.toEqual(chainHash(CHAIN_START, ENTRY));
});

test("text that moves from one field into the next changes the hash", () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), fc.string(), (a, moved, b) => {
      const before = chainHash(CHAIN_START, { ...ENTRY, event: a + moved, id: b });
      const after = chainHash(CHAIN_START, { ...ENTRY, event: a, id: moved + b });
      expect(before.equals(after)).toBe(false);
    }),
    { numRuns: 500, examples: [["A", '","', "B"]] },
  );
});
