import { hash } from "node:crypto";
import fc from "fast-check";
import {
  formatTicks,
  fromLog,
  naturalPersonEvents,
  parseDelivery,
  type JsonObject,
  type ParsedDelivery,
  type Ticks,
} from "../src/index.ts";

export const ENTITY = "e-1";

/** What all deliveries of one event have in common. */
interface Payload {
  readonly event: string;
  readonly id: string;
  readonly data: JsonObject;
}

// Few values everywhere, so that equal times, shared ids, second uploads and client updates are common.
const ticks = fc.bigInt({ min: 0n, max: 7n });
const data = fc.record(
  {
    entity: fc.constantFrom("Jane Doe", "Jane Roe", "Zoë 😀"),
    email: fc.constantFrom("jane@doe.example", "jane@roe.example"),
    isClientUpdateRequest: fc.boolean(),
    documentType: fc.constantFrom("passport", "driverLicense"),
    sessionId: fc.constantFrom("s1", "s2", "\uffff", "😀"),
    supportingDocumentId: fc.constantFrom("d1", "d2"),
    supportingDocumentType: fc.constantFrom("Income", "Address"),
    supportingDocumentDescription: fc.constantFrom("Page 1", "Page 2"),
    userName: fc.constantFrom("Milan Doe", "Ana Petrović"),
    entityStatus: fc.constantFrom("approved", "Accepted"),
    riskScore: fc.constantFrom(1, 0.5),
  },
  { requiredKeys: ["documentType", "sessionId", "supportingDocumentId"] },
);
const payload: fc.Arbitrary<Payload> = fc.record({
  event: fc.constantFrom(...Object.keys(naturalPersonEvents), "NotYetKnown"),
  id: fc.constantFrom("9", "10", "253", "9007199254740993", "9007199254740992"),
  data: data.map((data) => ({ ...data, entityId: ENTITY })),
});
const payloads = fc.uniqueArray(payload, {
  selector: ({ event, id }) => `${event} ${id}`,
  minLength: 1,
  maxLength: 8,
});

/**
 * Deliveries of one person's events in any order, each event any number of times and at any times, in `batches` of any
 * size; and the set of `events` that they carry, each with its earliest time.
 */
export const arrivals = fc
  .record({
    payloads,
    draws: fc.array(fc.tuple(fc.nat({ max: 7 }), ticks), { minLength: 1, maxLength: 24 }),
    sizes: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 8 }),
  })
  .map(({ payloads, draws, sizes }) => {
    const drawn = draws.map(([n, at]) => ({ payload: payloads[n % payloads.length] as Payload, at }));
    const earliest = new Map<Payload, Ticks>();
    for (const { payload, at } of drawn) {
      const before = earliest.get(payload);
      if (before === undefined || at < before) earliest.set(payload, at);
    }
    return {
      events: [...earliest].map(([payload, ticks]) => fromLog({ ...payload, entityId: ENTITY, ticks })),
      batches: split(
        drawn.map(({ payload, at }, n) => delivery(payload, at, `delivery-${n}`)),
        sizes,
      ),
    };
  });

/** Returns a delivery that was parsed from the bytes of its webhook. */
export function delivery({ event, id, data }: Payload, at: Ticks, deliveryId: string): ParsedDelivery {
  const body = Buffer.from(JSON.stringify({ event, id, creationTimeUtc: formatTicks(at), data, deliveryId }));
  const parsed = parseDelivery(body);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return {
    deliveryId,
    receivedTicks: at,
    deliveryDigest: hash("sha256", body, "buffer"),
    event: parsed.value,
  };
}

/** Splits deliveries into batches of these sizes, and one of the rest. */
function split(deliveries: readonly ParsedDelivery[], sizes: readonly number[]): ParsedDelivery[][] {
  const batches: ParsedDelivery[][] = [];
  let from = 0;
  for (const size of sizes) {
    if (from >= deliveries.length) return batches;
    batches.push(deliveries.slice(from, from + size));
    from += size;
  }
  return from < deliveries.length ? [...batches, deliveries.slice(from)] : batches;
}
