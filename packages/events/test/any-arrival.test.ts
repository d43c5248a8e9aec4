import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHAIN_START,
  chainHash,
  compareOrderKeys,
  fold,
  identityKey,
  parseJson,
  type EventOrderKey,
  type JsonObject,
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
        const applied = sends.filter(({ deliveryId }) => outcomes.get(deliveryId)?.kind === "applied");
        expect(new Set(applied.map(({ event }) => identityKey(event))).size).toBe(applied.length);
        expect(applied.length).toBe(events.length);
        expect(folded?.state.version).toBe(events.length);
        expect(outcomes.size).toBe(sends.length);
        expect([...outcomes.values()].every(({ kind }) => kind !== "dead-lettered")).toBe(true);
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
          const changesState = log.take([one]).entries.at(-1)?.changesState;
          return { changesState, changed: JSON.stringify(log.folded?.state) !== before };
        });
        expect(parsed.filter(({ changesState, changed }) => changed && changesState !== true)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

test("what arrives in order is folded onto what is folded: nothing is folded again", () => {
  fc.assert(
    fc.property(arrival, ({ batches }) => {
      const firstSends = new Map<string, ParsedDelivery>();
      const inOrder = batches.flat().sort((a, b) => compareOrderKeys(a.event, b.event));
      for (const one of inOrder) {
        const key = identityKey(one.event);
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
      const conflicts = [...log.outcomes].filter(([, { kind }]) => kind === "dead-lettered");
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
function lyingOf({ deliveryId, event: parsed }: ParsedDelivery, lies: readonly number[]): ParsedDelivery[] {
  if (!lies.some((n) => deliveryId === `delivery-${n}`)) return [];
  const { event, id } = parsed;
  const data = { ...(parseJson(parsed.dataJson) as JsonObject), note: "other" };
  return [send({ event, id, data }, parsed.ticks - 1n, `lying-${deliveryId}`)];
}
