import { expectedPerson, type ExpectedPerson } from "./expected.ts";
import { createHistory, type History } from "./history.ts";
import { Random } from "./random.ts";
import { conflictsOf, webhooksOf, type Webhook } from "./webhooks.ts";

export type ScenarioOptions = {
  /** How many persons. More of them change nothing for those before. */
  readonly persons: number;
  /** An integer from 0 up to, and without, 2^32. The same seed yields the same bytes. */
  readonly seed: number;
  /** The share of webhooks that are redeliveries, 0 to 1. No event has more than six webhooks. */
  readonly duplicates: number;
  /** How far each person's webhooks are out of order: 0 is by time, 1 is any order at all. */
  readonly shuffle: number;
  /** Histories begin within the 30 days after it. Default: the start of 2026. */
  readonly startAt?: Date;
};

/** All three can be iterated any number of times. They are generated as they are read, and never held as a whole. */
export type Scenario = {
  /** The webhooks of all persons, those of about a hundred persons at a time mixed together. */
  readonly webhooks: Iterable<Webhook>;
  /** The state that each person must reach. It depends on `seed`, `persons` and `startAt` alone. */
  readonly persons: Iterable<ExpectedPerson>;
  /**
   * For each event a webhook with its identity and other data. Sent after `webhooks` are settled, each must become a
   * dead letter (`conflicting-duplicate`) and change no person.
   */
  readonly conflicts: Iterable<Webhook>;
};

const MIXED_PERSONS = 100;

/** Invents persons with their webhooks and the states that they must reach. Throws a RangeError for a wrong option. */
export function scenario(options: ScenarioOptions): Scenario {
  validate(options);
  const { persons, seed } = options;
  return {
    webhooks: { [Symbol.iterator]: () => mix(options) },
    persons: {
      *[Symbol.iterator]() {
        for (let index = 0; index < persons; index++) yield expectedPerson(historyOf(index, options));
      },
    },
    conflicts: {
      *[Symbol.iterator]() {
        for (let index = 0; index < persons; index++) {
          yield* conflictsOf(historyOf(index, options), new Random(seed, "conflict", index));
        }
      },
    },
  };
}

function historyOf(index: number, { seed, startAt }: ScenarioOptions): History {
  return createHistory(seed, index, startAt ?? new Date("2026-01-01T00:00:00Z"));
}

function* mix(options: ScenarioOptions): Generator<Webhook> {
  const random = new Random(options.seed, "interleaving");
  const open: Iterator<Webhook>[] = [];
  let next = 0;
  while (next < options.persons || open.length > 0) {
    if (next < options.persons && open.length < MIXED_PERSONS) {
      const delivery = new Random(options.seed, "delivery", next);
      open.push(webhooksOf(historyOf(next, options), options, delivery).values());
      next++;
      continue;
    }
    const index = random.below(open.length);
    const webhook = open[index]?.next();
    if (webhook?.done === false) yield webhook.value;
    else open.splice(index, 1);
  }
}

function validate({ persons, seed, duplicates, shuffle }: ScenarioOptions): void {
  requireInteger("persons", persons);
  requireInteger("seed", seed);
  requireShare("duplicates", duplicates);
  requireShare("shuffle", shuffle);
}

function requireInteger(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return;
  throw new RangeError(`${name} is ${value}: it must be an integer from 0 to 4294967295`);
}

function requireShare(name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new RangeError(`${name} is ${value}: it must be a number from 0 to 1`);
}
