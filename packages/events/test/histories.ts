import { hash } from "node:crypto";
import fc from "fast-check";
import {
  formatTicks,
  fromLog,
  parseDelivery,
  type JsonObject,
  type ParsedDelivery,
  type Ticks,
} from "../src/index.ts";

export const ENTITY = "e-1";

/** Something that happened: what every send of it says alike. */
interface Occurrence {
  readonly event: string;
  readonly id: string;
  readonly data: JsonObject;
}

// Few values everywhere, so that ties in time, shared ids, second uploads and client updates are common.
const ticks = fc.bigInt({ min: 0n, max: 7n });
const said = fc.record(
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
const occurrence: fc.Arbitrary<Occurrence> = fc.record({
  event: fc.constantFrom(
    "NaturalPersonPending",
    "NaturalPersonStartedIDUpload",
    "NaturalPersonUploadedID",
    "NaturalPersonUploadedSupportingDocument",
    "NaturalPersonManuallyApproved",
    "NaturalPersonAutoApproved",
    "NaturalPersonRejected",
  ),
  id: fc.constantFrom("9", "10", "253", "9007199254740993", "9007199254740992"),
  data: said.map((data) => ({ ...data, entityId: ENTITY })),
});

const history = fc.uniqueArray(occurrence, {
  selector: ({ event, id }) => `${event} ${id}`,
  minLength: 1,
  maxLength: 8,
});

/**
 * Sends of one person's events in any order, again and again, each under any time; in batches of any size. `events`:
 * the set that they tell, each event under its earliest time.
 */
export const arrival = fc
  .record({
    history,
    draws: fc.array(fc.tuple(fc.nat({ max: 7 }), ticks), { minLength: 1, maxLength: 24 }),
    sizes: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 8 }),
  })
  .map(({ history, draws, sizes }) => {
    const drawn = draws.map(([n, at]) => ({ occurrence: history[n % history.length] as Occurrence, at }));
    const earliest = new Map<Occurrence, Ticks>();
    for (const { occurrence, at } of drawn) {
      const before = earliest.get(occurrence);
      if (before === undefined || at < before) earliest.set(occurrence, at);
    }
    return {
      events: [...earliest].map(([occurrence, ticks]) => fromLog({ ...occurrence, entityId: ENTITY, ticks })),
      batches: split(
        drawn.map(({ occurrence, at }, n) => send(occurrence, at, `delivery-${n}`)),
        sizes,
      ),
    };
  });

/** A delivery as the wire brings it, read. */
export function send({ event, id, data }: Occurrence, at: Ticks, deliveryId: string): ParsedDelivery {
  const body = Buffer.from(JSON.stringify({ event, id, creationTimeUtc: formatTicks(at), data, deliveryId }));
  const read = parseDelivery(body);
  if (!read.ok) throw new Error(read.error.message);
  return {
    deliveryId,
    receivedTicks: at,
    deliveryDigest: hash("sha256", body, "buffer"),
    event: read.value,
  };
}

/** Batches of the given sizes, as far as they reach; then one of all the rest. */
function split(sends: readonly ParsedDelivery[], sizes: readonly number[]): ParsedDelivery[][] {
  const batches: ParsedDelivery[][] = [];
  let from = 0;
  for (const size of sizes) {
    if (from >= sends.length) return batches;
    batches.push(sends.slice(from, from + size));
    from += size;
  }
  return from < sends.length ? [...batches, sends.slice(from)] : batches;
}
