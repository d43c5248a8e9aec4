import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHAIN_START,
  chainHash,
  compareOrderKeys,
  fold,
  identityKey,
  type EventOrderKey,
  type ParsedDelivery,
} from "../src/index.ts";
import { arrival, ENTITY, send } from "./histories.ts";
import { Log } from "./log.ts";

describe("any order, any duplication, any split into batches", () => {
  test("gives the file and the event order that the set of events gives, byte for byte", () => {
    fc.assert(
      fc.property(arrival, ({ events, batches }) => {
        const log = taken(batches);
        const folded = fold(ENTITY, events);
        expect(placesOf(log.events())).toBe(placesOf(events.toSorted(compareOrderKeys)));
        expect(JSON.stringify(log.folded?.state)).toBe(JSON.stringify(folded?.state));
        expect(log.folded && placesOf([log.folded.last])).toBe(folded && placesOf([folded.last]));
      }),
      { numRuns: 2000 },
    );
  });

  test("applies each event once, and settles every other send as its duplicate", () => {
    fc.assert(
      fc.property(arrival, ({ events, batches }) => {
        const { entries, outcomes, folded } = taken(batches);
        const sends = batches.flat();
        const applied = sends.filter(({ deliveryId }) => outcomes.get(deliveryId) === "applied");
        expect(new Set(applied.map(({ parsed }) => identityKey(parsed))).size).toBe(applied.length);
        expect(applied.length).toBe(events.length);
        expect(folded?.state.version).toBe(events.length);
        expect(outcomes.size).toBe(sends.length);
        expect([...outcomes.values()].every((outcome) => outcome !== "conflicting-duplicate")).toBe(true);
        expect(entries.map(({ deliveryId }) => deliveryId)).toEqual(
          sends.map(({ deliveryId }) => deliveryId),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("makes one chain: every entry counted from 1 and hashed onto the one before", () => {
    fc.assert(
      fc.property(arrival, ({ batches }) => {
        const { entries } = taken(batches);
        let before: Buffer = CHAIN_START;
        for (const [i, entry] of entries.entries()) {
          expect(entry.seq).toBe(i + 1);
          expect(entry.hash.equals(chainHash(before, entry))).toBe(true);
          before = entry.hash;
        }
        expect(taken([batches.flat()]).entries).toEqual(entries);
      }),
      { numRuns: 300 },
    );
  });

  test("says of every entry whether the file may differ for it, and never too little", () => {
    fc.assert(
      fc.property(arrival, ({ batches }) => {
        const log = new Log(ENTITY);
        const parsed = batches.flat().map((one) => {
          const before = JSON.stringify(log.folded?.state);
          const { changes } = log.take([one]).entries.at(-1) ?? {};
          return { changes, changed: JSON.stringify(log.folded?.state) !== before };
        });
        expect(parsed.filter(({ changes, changed }) => changed && changes !== true)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

test("what arrives in order is folded onto what is folded: nothing is folded again", () => {
  fc.assert(
    fc.property(arrival, ({ batches }) => {
      const firstSends = new Map<string, ParsedDelivery>();
      const inOrder = batches.flat().sort((a, b) => compareOrderKeys(a.parsed, b.parsed));
      for (const one of inOrder) {
        const key = identityKey(one.parsed);
        if (!firstSends.has(key)) firstSends.set(key, one);
      }
      const log = taken([...firstSends.values()].map((one) => [one]));
      expect(log.refolds).toBe(0);
      log.take(inOrder);
      expect(log.refolds).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test("a send that contradicts an earlier one is named a conflict and leaves no trace", () => {
  fc.assert(
    fc.property(arrival, fc.uniqueArray(fc.nat({ max: 20 })), ({ batches }, lies) => {
      const withLies = batches.map((batch) => batch.flatMap((one) => [one, ...lyingOf(one, lies)]));
      const log = taken(withLies);
      const conflicts = [...log.outcomes].filter(([, outcome]) => outcome === "conflicting-duplicate");
      const lying = withLies.flat().filter(({ deliveryId }) => deliveryId.startsWith("lying"));
      expect(conflicts.map(([deliveryId]) => deliveryId)).toEqual(lying.map(({ deliveryId }) => deliveryId));
      expect(log.folded).toEqual(taken(batches).folded);
      expect(log.entries).toEqual(taken(batches).entries);
    }),
    { numRuns: 300 },
  );
});

function taken(batches: readonly (readonly ParsedDelivery[])[]): Log {
  const log = new Log(ENTITY);
  for (const batch of batches) log.take(batch);
  return log;
}

function placesOf(places: readonly EventOrderKey[]): string {
  return places.map(({ ticks, event, id }) => `${ticks} ${event} ${id}`).join("\n");
}

/** Where a send is to be contradicted: one of the same event, parsed earlier, with other data. */
function lyingOf({ deliveryId, parsed }: ParsedDelivery, lies: readonly number[]): ParsedDelivery[] {
  if (!lies.some((n) => deliveryId === `delivery-${n}`)) return [];
  const lie = { ...parsed, data: { ...parsed.data, note: "other" } };
  return [send(lie, parsed.ticks - 1n, `lying-${deliveryId}`)];
}
