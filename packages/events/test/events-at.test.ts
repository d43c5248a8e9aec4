import fc from "fast-check";
import { expect, test } from "vitest";
import {
  eventsAt,
  fold,
  fromLog,
  parseJson,
  type JsonObject,
  type ParsedDelivery,
  type PointInTime,
} from "../src/index.ts";
import { arrivals, ENTITY } from "./arbitraries.ts";
import { InMemoryLog } from "./in-memory-log.ts";

const tick = fc.bigInt({ min: -1n, max: 8n });

/** Deliveries in the order in which they are settled, which is independent of the order of receipt. */
const settled = arrivals.chain(({ batches }) => {
  const deliveries = batches.flat();
  return fc
    .array(fc.bigInt({ min: 0n, max: 7n }), { minLength: deliveries.length, maxLength: deliveries.length })
    .map((times) => deliveries.map((one, i) => ({ ...one, receivedTicks: times[i] ?? 0n })));
});

test("asOf gives the state of the events up to that tick", () => {
  fc.assert(
    fc.property(settled, tick, (deliveries, asOf) => {
      const log = logOf(deliveries);
      const until = log.events().filter(({ ticks }) => ticks <= asOf);
      expect(foldedAt(log, { asOf })).toEqual(fold(ENTITY, until));
    }),
    { numRuns: 500 },
  );
});

test("knownAt gives the state as if only the deliveries received by then had come", () => {
  fc.assert(
    fc.property(settled, tick, (deliveries, knownAt) => {
      const received = deliveries.filter(({ receivedTicks }) => receivedTicks <= knownAt);
      expect(foldedAt(logOf(deliveries), { knownAt })).toEqual(logOf(received).folded);
    }),
    { numRuns: 500 },
  );
});

test("asOf and knownAt give the events up to a tick, of the deliveries received by then", () => {
  fc.assert(
    fc.property(settled, tick, tick, (deliveries, asOf, knownAt) => {
      const received = logOf(deliveries.filter(({ receivedTicks }) => receivedTicks <= knownAt));
      const until = received.events().filter(({ ticks }) => ticks <= asOf);
      expect(foldedAt(logOf(deliveries), { asOf, knownAt })).toEqual(fold(ENTITY, until));
    }),
    { numRuns: 500 },
  );
});

test("without a point in time, every event and every delivery counts", () => {
  fc.assert(
    fc.property(settled, (deliveries) => {
      const log = logOf(deliveries);
      expect(foldedAt(log, {})).toEqual(log.folded);
      const counted = eventsAt(log.entries, {}).flatMap((event) => event.deliveries);
      expect(counted.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(log.entries.map(({ seq }) => seq));
    }),
    { numRuns: 500 },
  );
});

function logOf(deliveries: readonly ParsedDelivery[]): InMemoryLog {
  return new InMemoryLog(ENTITY).append(deliveries);
}

function foldedAt(log: InMemoryLog, at: PointInTime) {
  const dataOf = (event: string, id: string): JsonObject => {
    const first = log.entries.find(
      (entry) => entry.kind === "event" && entry.event === event && entry.id === id,
    );
    return parseJson(first?.dataJson ?? "") as JsonObject;
  };
  const events = eventsAt(log.entries, at).map(({ event, id, ticks }) =>
    fromLog({ event, id, ticks, entityId: ENTITY, data: dataOf(event, id) }),
  );
  return fold(ENTITY, events);
}
