import { hash } from "node:crypto";
import fc from "fast-check";
import { formatTicks, readDelivery, type JsonObject, type Send, type Ticks } from "../src/index.ts";

export const ENTITY = "e-1";

/** An event, and the times under which its sends tell it: the first is told at least once. */
export interface Occurrence {
  readonly event: string;
  readonly id: string;
  readonly data: JsonObject;
  readonly times: readonly Ticks[];
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
  times: fc.array(ticks, { minLength: 1, maxLength: 3 }),
});

/** What happened to one person: occurrences that differ in type or id. */
export const history = fc.uniqueArray(occurrence, {
  selector: ({ event, id }) => `${event} ${id}`,
  minLength: 1,
  maxLength: 9,
});

/** Every send of a history, and some of them again, in any order and in batches of any size. */
export const arrival = history.chain((occurrences) => {
  const all = occurrences.flatMap((occurrence) => occurrence.times.map((at) => ({ ...occurrence, at })));
  return fc
    .record({
      order: fc
        .array(fc.constantFrom(...all), { maxLength: 6 })
        .chain((again) => fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length })),
      sizes: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 30 }),
    })
    .map(({ order, sizes }) => ({
      occurrences,
      batches: split(
        order.map(({ event, id, data, at }, n) => send(event, id, at, data, n)),
        sizes,
      ),
    }));
});

/** A delivery as the wire brings it, read and numbered. */
export function send(event: string, id: string, at: Ticks, data: JsonObject, n: number): Send {
  const body = Buffer.from(JSON.stringify({ event, id, creationTimeUtc: formatTicks(at), data, attempt: n }));
  const read = readDelivery(body);
  if (!read.ok) throw new Error(read.error.message);
  return {
    deliveryId: `delivery-${n}`,
    receivedTicks: BigInt(n),
    bodyDigest: hash("sha256", body, "buffer"),
    told: read.value,
  };
}

/** Batches of the given sizes, as far as they reach; then one of all the rest. */
function split(sends: readonly Send[], sizes: readonly number[]): Send[][] {
  const batches: Send[][] = [];
  let from = 0;
  for (const size of sizes) {
    if (from >= sends.length) return batches;
    batches.push(sends.slice(from, from + size));
    from += size;
  }
  return from < sends.length ? [...batches, sends.slice(from)] : batches;
}
