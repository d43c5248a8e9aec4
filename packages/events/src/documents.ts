import { compareText } from "./event.ts";
import type { FirstTime } from "./person.ts";

/**
 * A person's documents of one kind while events are folded in. It changes in place, so that a further document costs the
 * same however many there are.
 */
export class Documents<D extends FirstTime> {
  readonly #before: readonly D[];
  readonly #keyOf: (document: D) => readonly string[];
  #byKey: Map<string, D> | undefined;

  constructor(documents: readonly D[], keyOf: (document: D) => readonly string[]) {
    this.#before = documents;
    this.#keyOf = keyOf;
  }

  /** Adds a document, or puts it in the place of the one with its key, from which it is made. */
  put(key: readonly string[], make: (known: D | undefined) => D): void {
    this.#byKey ??= new Map(this.#before.map((document) => [toText(this.#keyOf(document)), document]));
    const text = toText(key);
    this.#byKey.set(text, make(this.#byKey.get(text)));
  }

  /** Returns the documents in the order of their first times, then of their keys. */
  toArray(): readonly D[] {
    if (this.#byKey === undefined) return this.#before;
    return [...this.#byKey.values()].sort(
      (a, b) => compareText(a.firstAt, b.firstAt) || compareKeys(this.#keyOf(a), this.#keyOf(b)),
    );
  }
}

function toText(key: readonly string[]): string {
  return key.length === 1 ? (key[0] ?? "") : JSON.stringify(key);
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  return a.reduce((order, text, i) => order || compareText(text, b[i] ?? ""), 0);
}
