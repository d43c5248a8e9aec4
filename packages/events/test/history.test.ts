import fc from "fast-check";
import { expect, test } from "vitest";
import {
  eventsAt,
  fold,
  fromLog,
  parseJson,
  type JsonObject,
  type PointInTime,
  type ParsedDelivery,
} from "../src/index.ts";
import { arrival, ENTITY } from "./histories.ts";
import { Log } from "./log.ts";

const moment = fc.bigInt({ min: -1n, max: 8n });

/** Sends that were received at one time, and processed in an order that has nothing to do with it. */
const processed = arrival.chain(({ batches }) => {
  const deliveries = batches.flat();
  return fc
    .array(fc.bigInt({ min: 0n, max: 7n }), { minLength: deliveries.length, maxLength: deliveries.length })
    .map((times) => deliveries.map((send, i) => ({ ...send, receivedTicks: times[i] ?? 0n })));
});

test("asOf gives the file that the events up to that tick give, and no other", () => {
  fc.assert(
    fc.property(processed, moment, (deliveries, asOf) => {
      const log = taken(deliveries);
      const until = log.events().filter(({ ticks }) => ticks <= asOf);
      expect(fileAt(log, { asOf })).toEqual(fold(ENTITY, until));
    }),
    { numRuns: 2000 },
  );
});

test("knownAt gives the file that was there when the deliveries received by then, alone, had come", () => {
  fc.assert(
    fc.property(processed, moment, (deliveries, knownAt) => {
      const received = deliveries.filter(({ receivedTicks }) => receivedTicks <= knownAt);
      expect(fileAt(taken(deliveries), { knownAt })).toEqual(taken(received).folded);
    }),
    { numRuns: 2000 },
  );
});

test("asOf and knownAt together: of the deliveries received by then, the events up to that tick", () => {
  fc.assert(
    fc.property(processed, moment, moment, (deliveries, asOf, knownAt) => {
      const received = taken(deliveries.filter(({ receivedTicks }) => receivedTicks <= knownAt));
      const until = received.events().filter(({ ticks }) => ticks <= asOf);
      expect(fileAt(taken(deliveries), { asOf, knownAt })).toEqual(fold(ENTITY, until));
    }),
    { numRuns: 2000 },
  );
});

test("no moment at all gives today's file, and every send under its event", () => {
  fc.assert(
    fc.property(processed, (deliveries) => {
      const log = taken(deliveries);
      expect(fileAt(log, {})).toEqual(log.folded);
      const told = eventsAt(log.entries, {}).flatMap((event) => event.deliveries);
      expect(told.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(log.entries.map(({ seq }) => seq));
    }),
    { numRuns: 500 },
  );
});

function taken(deliveries: readonly ParsedDelivery[]): Log {
  return new Log(ENTITY).take(deliveries);
}

function fileAt(log: Log, at: PointInTime) {
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
