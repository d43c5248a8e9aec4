import type { Person } from "@dossier/events";
import { expected } from "./expected.ts";
import { history, type History } from "./history.ts";
import { Random } from "./random.ts";
import { conflicts, sends, type Send } from "./sends.ts";

export type ScenarioOptions = {
  /** How many persons; adding some changes nothing for those before them. */
  readonly persons: number;
  /** An integer from 0 up to, and without, 2^32. The same seed gives the same bytes. */
  readonly seed: number;
  /** The share of all sends that are redeliveries, 0 to 1; no event is sent more than six times. */
  readonly duplicates: number;
  /** How far each person's sends are out of order: 0 is by time, 1 is any order at all. */
  readonly shuffle: number;
  /** Histories begin within the 30 days that follow. Default: the start of 2026. */
  readonly startAt?: Date;
};

/** Each can be iterated again and again, is made as it is pulled, and holds no more than it needs. */
export type Scenario = {
  /** Every send of every person, those of about a hundred persons at a time mixed together. */
  readonly sends: Iterable<Send>;
  /** What each person's file must say in the end. `seed`, `persons` and `startAt` alone decide it. */
  readonly persons: Iterable<Person>;
  /**
   * For each event one that bears its identity and says something else. Sent once `sends` are
   * settled, each must become a dead letter (`conflicting-duplicate`) and change no person.
   */
  readonly conflicts: Iterable<Send>;
};

const personsUnderWay = 100;

/** The simulated lives of `persons` persons in KYC. Throws a RangeError for an option out of range. */
export function scenario(options: ScenarioOptions): Scenario {
  check(options);
  const { persons, seed } = options;
  return {
    sends: { [Symbol.iterator]: () => mixed(options) },
    persons: {
      *[Symbol.iterator]() {
        for (let index = 0; index < persons; index++) yield expected(historyOf(index, options));
      },
    },
    conflicts: {
      *[Symbol.iterator]() {
        for (let index = 0; index < persons; index++) {
          yield* conflicts(historyOf(index, options), new Random(seed, "conflict", index));
        }
      },
    },
  };
}

function historyOf(index: number, { seed, startAt }: ScenarioOptions): History {
  return history(seed, index, startAt ?? new Date("2026-01-01T00:00:00Z"));
}

function* mixed(options: ScenarioOptions): Generator<Send> {
  const random = new Random(options.seed, "interleaving");
  const underWay: Iterator<Send>[] = [];
  let next = 0;
  while (next < options.persons || underWay.length > 0) {
    if (next < options.persons && underWay.length < personsUnderWay) {
      const delivery = new Random(options.seed, "delivery", next);
      underWay.push(sends(historyOf(next, options), options, delivery).values());
      next++;
      continue;
    }
    const chosen = random.below(underWay.length);
    const send = underWay[chosen]?.next();
    if (send?.done === false) yield send.value;
    else underWay.splice(chosen, 1);
  }
}

function check({ persons, seed, duplicates, shuffle }: ScenarioOptions): void {
  whole("persons", persons);
  whole("seed", seed);
  share("duplicates", duplicates);
  share("shuffle", shuffle);
}

function whole(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return;
  throw new RangeError(`${name} is ${value}: give an integer from 0 to 4294967295`);
}

function share(name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new RangeError(`${name} is ${value}: give a share from 0 to 1`);
}
