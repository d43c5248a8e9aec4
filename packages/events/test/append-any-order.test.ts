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
import { arrivals, delivery, ENTITY } from "./arbitraries.ts";
import { InMemoryLog } from "./in-memory-log.ts";

describe("deliveries in any order, any number of times, in any batches", () => {
  test("give the state and the event order of the set of events, byte for byte", () => {
    fc.assert(
      fc.property(arrivals, ({ events, batches }) => {
        const log = logOf(batches);
        const folded = fold(ENTITY, events);
        expect(textOf(log.events())).toBe(textOf(events.toSorted(compareOrderKeys)));
        expect(JSON.stringify(log.folded?.state)).toBe(JSON.stringify(folded?.state));
        expect(log.folded && textOf([log.folded.last])).toBe(folded && textOf([folded.last]));
      }),
      { numRuns: 2000 },
    );
  });

  test("apply each event once; every other delivery is its duplicate", () => {
    fc.assert(
      fc.property(arrivals, ({ events, batches }) => {
        const { entries, outcomes, folded } = logOf(batches);
        const deliveries = batches.flat();
        const applied = deliveries.filter(({ deliveryId }) => outcomes.get(deliveryId)?.kind === "applied");
        expect(new Set(applied.map(({ event }) => identityKey(event))).size).toBe(applied.length);
        expect(applied.length).toBe(events.length);
        expect(folded?.state.version).toBe(events.length);
        expect(outcomes.size).toBe(deliveries.length);
        expect([...outcomes.values()].every(({ kind }) => kind !== "dead-lettered")).toBe(true);
        expect(entries.map(({ deliveryId }) => deliveryId)).toEqual(
          deliveries.map(({ deliveryId }) => deliveryId),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("make one chain: entries count from 1, and each is hashed with the one before", () => {
    fc.assert(
      fc.property(arrivals, ({ batches }) => {
        const { entries } = logOf(batches);
        let before: Buffer = CHAIN_START;
        for (const [i, entry] of entries.entries()) {
          expect(entry.seq).toBe(i + 1);
          expect(entry.hash.equals(chainHash(before, entry))).toBe(true);
          before = entry.hash;
        }
        expect(logOf([batches.flat()]).entries).toEqual(entries);
      }),
      { numRuns: 300 },
    );
  });

  test("change the state only by entries whose `changesState` is true", () => {
    fc.assert(
      fc.property(arrivals, ({ batches }) => {
        const log = new InMemoryLog(ENTITY);
        const entries = batches.flat().map((one) => {
          const before = JSON.stringify(log.folded?.state);
          const changesState = log.append([one]).entries.at(-1)?.changesState;
          return { changesState, changed: JSON.stringify(log.folded?.state) !== before };
        });
        expect(entries.filter(({ changesState, changed }) => changed && changesState !== true)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

test("events that arrive in order are folded into the state so far, without a refold", () => {
  fc.assert(
    fc.property(arrivals, ({ batches }) => {
      const firstOfEach = new Map<string, ParsedDelivery>();
      const inOrder = batches.flat().sort((a, b) => compareOrderKeys(a.event, b.event));
      for (const one of inOrder) {
        const key = identityKey(one.event);
        if (!firstOfEach.has(key)) firstOfEach.set(key, one);
      }
      const log = logOf([...firstOfEach.values()].map((one) => [one]));
      expect(log.refolds).toBe(0);
      log.append(inOrder);
      expect(log.refolds).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test("a delivery with other data than its event is dead-lettered and leaves no trace in the log", () => {
  fc.assert(
    fc.property(arrivals, fc.uniqueArray(fc.nat({ max: 20 })), ({ batches }, contradicted) => {
      const withConflicts = batches.map((batch) =>
        batch.flatMap((one) => [one, ...conflictsOf(one, contradicted)]),
      );
      const log = logOf(withConflicts);
      const deadLettered = [...log.outcomes].filter(([, { kind }]) => kind === "dead-lettered");
      const conflicts = withConflicts.flat().filter(({ deliveryId }) => deliveryId.startsWith("conflict"));
      expect(deadLettered.map(([deliveryId]) => deliveryId)).toEqual(
        conflicts.map(({ deliveryId }) => deliveryId),
      );
      expect(log.folded).toEqual(logOf(batches).folded);
      expect(log.entries).toEqual(logOf(batches).entries);
    }),
    { numRuns: 300 },
  );
});

function logOf(batches: readonly (readonly ParsedDelivery[])[]): InMemoryLog {
  const log = new InMemoryLog(ENTITY);
  for (const batch of batches) log.append(batch);
  return log;
}

function textOf(keys: readonly EventOrderKey[]): string {
  return keys.map(({ ticks, event, id }) => `${ticks} ${event} ${id}`).join("\n");
}

/** Returns an earlier delivery of the same event with other data, if this one's number is in `contradicted`. */
function conflictsOf(
  { deliveryId, event: { event, id, ticks, dataJson } }: ParsedDelivery,
  contradicted: readonly number[],
): ParsedDelivery[] {
  if (!contradicted.some((n) => deliveryId === `delivery-${n}`)) return [];
  const data = { ...(parseJson(dataJson) as JsonObject), note: "other" };
  return [delivery({ event, id, data }, ticks - 1n, `conflict-${deliveryId}`)];
}
