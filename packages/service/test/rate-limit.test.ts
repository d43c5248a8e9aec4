import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createRateLimit } from "../src/rate-limit.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("a rate limit allows so many a second, and no more after a long pause", () => {
  const take = createRateLimit(20);
  const takeAll = () => Array.from({ length: 1_000 }, take).filter(Boolean).length;
  expect(takeAll()).toBe(20);
  vi.advanceTimersByTime(500);
  expect(takeAll()).toBe(10);
  vi.advanceTimersByTime(3_600_000);
  expect(takeAll()).toBe(20);
});
