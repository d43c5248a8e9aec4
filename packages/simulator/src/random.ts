import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { skipN } from "pure-rand/utils/skipN";

// One stream for each purpose: how often a webhook is sent must not change what happened.
const STREAMS = { history: 1, delivery: 2, interleaving: 3, conflict: 4, poison: 5, faults: 6 };

/** A seeded source of random values: the same seed, stream and index yield the same values for ever. */
export class Random {
  readonly #generator;

  /** `seed` and `index` are unsigned 32-bit integers; `index` is most often a person's number. */
  constructor(seed: number, stream: keyof typeof STREAMS, index = 0) {
    this.#generator = xoroshiro128plusFromState([seed, index, STREAMS[stream], 0x9e3779b9]);
    // Neighbouring states yield similar values until their bits have spread.
    skipN(this.#generator, 40);
  }

  /** Returns an integer from 0 up to, and without, `bound` (at most 2^32). */
  below(bound: number): number {
    return uniformInt(this.#generator, 0, bound - 1);
  }

  /** Returns an integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return uniformInt(this.#generator, min, max);
  }

  /** Returns `true` with this probability. */
  chance(probability: number): boolean {
    return this.#generator.next() >>> 0 < probability * 2 ** 32;
  }

  /** Returns one of the choices. Throws a RangeError if there are none. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("there is nothing to pick from");
    return choices[this.below(choices.length)] as T;
  }

  /** Returns the items in a random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.map(() => left.splice(this.below(left.length), 1)[0] as T);
  }

  uuid(): string {
    const bytes = Buffer.allocUnsafe(16);
    for (let at = 0; at < 16; at += 4) bytes.writeInt32LE(this.#generator.next(), at);
    const hex = bytes.toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  /** Returns a UUID, or sometimes a malformed one of the kinds that iComply's own samples have. */
  opaqueId(): string {
    const uuid = this.uuid();
    if (this.chance(0.9)) return uuid;
    return this.chance(0.5) ? uuid.slice(2) : `${uuid.slice(0, 26)}json${uuid.slice(26)}`;
  }
}
