import fc from "fast-check";
import { expect, test } from "vitest";
import { createDeliveryIds } from "../src/delivery-ids.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("ids grow, many within one millisecond and while the clock is set back", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 2 ** 48 - 1 }), { minLength: 1, maxLength: 300 }),
      (times) => {
        let at = 0;
        const nextId = createDeliveryIds(() => times[Math.min(at++ >> 1, times.length - 1)] ?? 0);
        const ids = Array.from({ length: 2 * times.length + 2 }, nextId);
        expect(ids).toEqual([...new Set(ids)].toSorted());
        expect(ids.filter((id) => !UUID_V7.test(id))).toEqual([]);
      },
    ),
  );
});

test("an id begins with the time", () => {
  const time = 1_643_728_166_171;
  const [first = ""] = createDeliveryIds(() => time)().split(/-7/);
  expect(Number.parseInt(first.replace("-", ""), 16)).toBe(time);
});
