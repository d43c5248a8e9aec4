import fc from "fast-check";
import { expect, test } from "vitest";
import {
  completeTime,
  formatTicks,
  parseTicks,
  TICKS_PER_MILLISECOND,
  TICKS_PER_SECOND,
} from "../src/index.ts";

const FIRST = -621_355_968_000_000_000n;
const LAST = 2_534_023_007_999_999_999n;
const tick = fc.bigInt({ min: FIRST, max: LAST });

test("every tick of the years 1 to 9999 is formatted and parsed back to itself", () => {
  fc.assert(
    fc.property(tick, (ticks) => {
      expect(parseTicks(formatTicks(ticks))).toBe(ticks);
    }),
    { numRuns: 2000, examples: [[FIRST], [LAST], [0n], [-1n], [1n]] },
  );
});

test("formatted times sort as the ticks do, also 100 ns apart and before 1970", () => {
  const near = fc.tuple(tick, fc.bigInt({ min: -20n, max: 20n })).map(([a, by]) => [a, a + by] as const);
  const pair = fc.oneof(near, fc.tuple(tick, tick)).filter(([, b]) => b >= FIRST && b <= LAST);
  fc.assert(
    fc.property(pair, ([a, b]) => {
      expect(formatTicks(a) < formatTicks(b)).toBe(a < b);
    }),
    { numRuns: 2000 },
  );
});

test("ticks agree with JavaScript's dates to the millisecond", () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date("0001-01-01T00:00:00Z"),
        max: new Date("9999-12-31T23:59:59.999Z"),
        noInvalidDate: true,
      }),
      (date) => {
        const ticks = BigInt(date.getTime()) * TICKS_PER_MILLISECOND;
        expect(parseTicks(date.toISOString())).toBe(ticks);
        expect(formatTicks(ticks)).toBe(date.toISOString().replace("Z", "0000Z"));
      },
    ),
    { numRuns: 1000 },
  );
});

test("an offset is subtracted", () => {
  const offset = fc.record({
    sign: fc.constantFrom("+", "-"),
    hours: fc.nat({ max: 14 }),
    minutes: fc.nat({ max: 59 }),
  });
  const middle = fc.bigInt({ min: FIRST / 2n, max: LAST / 2n });
  fc.assert(
    fc.property(middle, offset, (ticks, { sign, hours, minutes }) => {
      const zone = `${sign}${two(hours)}:${two(minutes)}`;
      const by = BigInt(hours * 60 + minutes) * 60n * TICKS_PER_SECOND;
      const utc = sign === "+" ? ticks - by : ticks + by;
      expect(parseTicks(formatTicks(ticks).replace("Z", zone))).toBe(utc);
    }),
    { numRuns: 1000 },
  );
});

test("a date is parsed if and only if the calendar has it", () => {
  const date = fc.tuple(
    fc.integer({ min: 1, max: 9999 }),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
  );
  fc.assert(
    fc.property(date, ([year, month, day]) => {
      const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
      const days = [0, 31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0][month] ?? 0;
      const text = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T00:00:00Z`;
      expect([text, parseTicks(text) !== undefined]).toEqual([text, day >= 1 && day <= days]);
    }),
    { numRuns: 2000, examples: [[[2024, 2, 29]], [[2023, 2, 29]], [[1900, 2, 29]], [[2000, 2, 29]]] },
  );
});

test.each([
  ["2022-02-01T15:09:26.1712603Z", "2022-02-01T15:09:26.1712603Z"],
  ["2022-02-01T15:09:26.1712603", "2022-02-01T15:09:26.1712603Z"],
  ["2022-02-01T15:09:26.17Z", "2022-02-01T15:09:26.1700000Z"],
  ["2022-02-01T15:09:26Z", "2022-02-01T15:09:26.0000000Z"],
  ["2022-02-01T15:09:26", "2022-02-01T15:09:26.0000000Z"],
  ["2022-02-01T15:09:26.1712603+00:00", "2022-02-01T15:09:26.1712603Z"],
  ["2022-02-01T15:09:26.1712603+02:00", "2022-02-01T13:09:26.1712603Z"],
  ["2022-02-01T23:30:00.0000001-05:30", "2022-02-02T05:00:00.0000001Z"],
  ["9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"],
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000000Z"],
])("%s is %s", (text, utc) => {
  expect(formatTicks(parseTicks(text) ?? 0n)).toBe(utc);
});

test.each([
  "",
  "2022-02-01",
  "2022-02-01T15:09Z",
  "2022-02-01 15:09:26Z",
  "2022-2-1T15:09:26Z",
  "2022-02-01T15:09:26.Z",
  "2022-02-01T15:09:26.12345678Z",
  "2022-02-01T15:09:26z",
  "2022-02-01T15:09:26+0200",
  "2022-02-01T15:09:26+15:00",
  "2022-02-01T15:09:26+02:60",
  "2022-02-01T24:00:00Z",
  "2022-02-01T15:60:00Z",
  "2022-02-01T15:09:60Z",
  "2022-02-30T15:09:26Z",
  "0000-12-31T23:59:59Z",
  "0001-01-01T00:00:00+00:01",
  "9999-12-31T23:59:59-00:01",
  "+12022-02-01T15:09:26Z",
  " 2022-02-01T15:09:26Z",
  "2022-02-01T15:09:26Z\n",
  "Tue Feb 01 2022 15:09:26 GMT",
  "1643728166",
])("%j is not a time", (text) => {
  expect(parseTicks(text)).toBeUndefined();
});

function two(n: number): string {
  return String(n).padStart(2, "0");
}

test.each([
  ["2026-11-23", "2026-11-23T00:00:00Z"],
  ["2026-11-23 13:58", "2026-11-23T13:58:00Z"],
  [" 2026-11-23 13:58:23Z", "2026-11-23T13:58:23Z"],
  ["2026-11-23T13:58Z", "2026-11-23T13:58:00Z"],
  ["2026-11-23 13:58:23.1234567", "2026-11-23T13:58:23.1234567Z"],
  ["2026-11-23 13:58+02:00", "2026-11-23T13:58:00+02:00"],
])("a person who writes %j means %s", (written, meant) => {
  expect(completeTime(written)).toBe(meant);
  expect(parseTicks(meant)).toBeDefined();
});

test.each(["yesterday", "2026-11", "2026-11-23 1", "2026-11-23 13:58:23 02:00", ""])(
  "%j is no time that a person writes",
  (written) => {
    expect(completeTime(written)).toBe(written);
  },
);
