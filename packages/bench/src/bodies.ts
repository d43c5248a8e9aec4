import { randomInt, randomUUID } from "node:crypto";
import { encode, payload, poison, scenario } from "@dossier/simulator";

const EVENT = "NaturalPersonUploadedSupportingDocument";
export const WEBHOOKS_PER_DEAD_LETTER = 100;

export interface Disorder {
  /** The chance of a webhook to change places with a later one: twice as many are then out of order. */
  readonly shuffle?: number;
  /** The share that are redeliveries. */
  readonly duplicates?: number;
  /** Whether 1 % become dead letters. */
  readonly deadLetters?: boolean;
}

/** Invents webhooks of new persons. */
export function mixedBodies(count: number, disorder: Disorder = {}): Iterable<Buffer> {
  const { shuffle = 0, duplicates = 0, deadLetters = false } = disorder;
  const seed = randomInt(2 ** 32);
  const { webhooks } = scenario({ persons: count, seed, duplicates, shuffle });
  const wrong = poison({ count, seed })[Symbol.iterator]();
  return Iterator.from(webhooks)
    .take(count)
    .map(({ body }, n) => {
      const other = deadLetters && n % WEBHOOKS_PER_DEAD_LETTER === 0 ? wrong.next() : undefined;
      return other?.done === false ? other.value.body : body;
    });
}

/** Returns webhooks of persons who have so many each, with a document each. Persons take turns. */
export function bodiesOfPersons(count: number, each: number): readonly Buffer[] {
  const persons = Array.from({ length: Math.ceil(count / each) }, () => randomUUID());
  const startsAt = Date.parse("2026-01-01T00:00:00Z");
  return Array.from({ length: each }, (_, n) =>
    persons.map((entityId) => {
      const creationTimeUtc = new Date(startsAt + n * 1_000).toISOString();
      const data = { supportingDocumentId: String(n) };
      return encode(payload({ event: EVENT, id: String(n), entityId, creationTimeUtc, data }));
    }),
  ).flat();
}

/** Invents webhooks that all become dead letters, of several reasons. */
export function poisonAlone(count: number): Iterable<Buffer> {
  return Iterator.from(poison({ count, seed: randomInt(2 ** 32) })).map(({ body }) => body);
}

/** Invents webhooks as they come, the same ones for the same seed: 10 % redeliveries, and as many change places. */
export function usualBodies(count: number, seed: number): readonly Buffer[] {
  const { webhooks } = scenario({ persons: count, seed, duplicates: 0.1, shuffle: 0.1 });
  return Iterator.from(webhooks)
    .take(count)
    .map(({ body }) => body)
    .toArray();
}
