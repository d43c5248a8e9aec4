import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBodyBudget, type BodyBudget, type BodyShare } from "../src/body-budget.ts";

/** Opens shares by name, and says which of them were dropped, in order. */
function shares(budget: BodyBudget, ...names: readonly string[]) {
  const dropped: string[] = [];
  const open = Object.fromEntries(names.map((name) => [name, budget.open(() => dropped.push(name))]));
  return { dropped, resize: (name: string, bytes: number) => open[name]!.resize(bytes), open };
}

const LIMITS = { totalBytes: 100, reservedBytes: 30, smallBytes: 10 };

describe("a budget of bytes", () => {
  test("lets each body grow while there is room", () => {
    const { dropped, resize } = shares(createBodyBudget(LIMITS), "a", "b");
    expect([resize("a", 5), resize("b", 30), resize("a", 40), resize("b", 29)]).toEqual(Array(4).fill(true));
    expect(dropped).toEqual([]);
  });

  test("drops the body that has been unfinished longest, wherever in its growth it is", () => {
    const { dropped, resize } = shares(createBodyBudget(LIMITS), "first", "second", "third");
    resize("third", 40);
    resize("second", 20);
    resize("first", 10);
    expect(resize("third", 60)).toBe(true);
    // The first is small, and what it holds is of no use to a large one.
    expect(dropped).toEqual(["second"]);
    expect(resize("third", 70)).toBe(true);
    expect(dropped).toEqual(["second"]);
  });

  test("drops the body that needs more, if it is the one that has been unfinished longest", () => {
    const { dropped, resize } = shares(createBodyBudget(LIMITS), "old", "new");
    resize("old", 20);
    resize("new", 40);
    expect(resize("old", 40)).toBe(false);
    expect(dropped).toEqual(["old"]);
    expect(resize("new", 70)).toBe(true);
  });

  test("keeps room for small bodies, whatever the large ones take", () => {
    const { dropped, resize } = shares(createBodyBudget(LIMITS), "large", "s1", "s2", "s3");
    resize("large", 70);
    expect([resize("s1", 10), resize("s2", 10), resize("s3", 10)]).toEqual([true, true, true]);
    expect(dropped).toEqual([]);
  });

  test("lets small bodies use all of it, and drops the oldest of all for the next", () => {
    const names = Array.from({ length: 11 }, (_, n) => `s${n}`);
    const { dropped, resize } = shares(createBodyBudget(LIMITS), ...names);
    expect(names.map((name) => resize(name, 10))).toEqual(names.map(() => true));
    expect(dropped).toEqual(["s0"]);
  });

  test("drops nobody who holds nothing", () => {
    const { dropped, resize } = shares(createBodyBudget(LIMITS), "silent", "large", "larger");
    resize("large", 40);
    resize("larger", 60);
    expect(dropped).toEqual(["large"]);
  });

  test("has what a finished body held, once", () => {
    const { dropped, resize, open } = shares(createBodyBudget(LIMITS), "a", "b");
    resize("a", 70);
    open["a"]!.close();
    open["a"]!.close();
    expect(resize("b", 70)).toBe(true);
    expect(dropped).toEqual([]);
  });

  test("is never exceeded, and never drops a body for one that is older", () => {
    const step = fc.record({ body: fc.nat(9), bytes: fc.nat(120), end: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = createBodyBudget(LIMITS);
        const held = new Map<number, { share: BodyShare; bytes: number }>();
        let next = 0;
        for (const { body, bytes, end } of steps) {
          const ids = [...held.keys()];
          let id = ids[body];
          if (id === undefined) {
            id = next++;
            const own = id;
            held.set(id, { share: budget.open(() => held.delete(own)), bytes: 0 });
          }
          const one = held.get(id)!;
          if (end) {
            one.share.close();
            held.delete(id);
            continue;
          }
          const before = [...held.keys()];
          const fits = one.share.resize(bytes);
          expect(fits).toBe(held.has(id));
          if (fits) one.bytes = bytes;
          const droppedIds = before.filter((other) => !held.has(other));
          expect(droppedIds.every((other) => other <= id)).toBe(true);
          const sizes = [...held.values()].map((holder) => holder.bytes);
          const sum = (some: readonly number[]) => some.reduce((total, size) => total + size, 0);
          expect(sum(sizes)).toBeLessThanOrEqual(LIMITS.totalBytes);
          expect(sum(sizes.filter((size) => size > LIMITS.smallBytes))).toBeLessThanOrEqual(70);
        }
      }),
    );
  });
});
