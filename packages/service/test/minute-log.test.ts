import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { minuteLog } from "../src/index.ts";
import { testLogger } from "./fixtures/test-logger.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function summary() {
  const { log, lines } = testLogger();
  return { lines, ...minuteLog(log, { code: "settled", message: "settled in a minute" }) };
}

test("a minute log sums up each minute in which there was something, and writes nothing in others", () => {
  const { add, lines } = summary();
  add("applied", 500);
  add("duplicate");
  vi.advanceTimersByTime(59_999);
  add("applied", 3);
  expect(lines()).toEqual([]);
  vi.advanceTimersByTime(600_000);
  expect(lines()).toMatchObject([{ level: "info", code: "settled", applied: 503, duplicate: 1 }]);
  add("failed");
  vi.advanceTimersByTime(60_000);
  expect(lines().slice(1)).toMatchObject([{ failed: 1 }]);
  expect(lines()[1]).not.toHaveProperty("applied");
});

test("a minute log that is flushed writes the rest, once", () => {
  const { add, flush, lines } = summary();
  flush();
  add("applied");
  flush();
  vi.advanceTimersByTime(60_000);
  expect(lines()).toMatchObject([{ applied: 1 }]);
});
