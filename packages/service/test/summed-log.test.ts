import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { summedLog } from "../src/index.ts";
import { testLogger } from "./fixtures/test-logger.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function summed() {
  const { log, lines } = testLogger();
  return { lines, ...summedLog(log, { level: "warn", code: "refused", message: "refused" }) };
}

describe("a summed log", () => {
  test("writes the first case at once, with its fields", () => {
    const { record, lines } = summed();
    record("unsigned", () => ({ bytes: 7 }));
    expect(lines()).toMatchObject([{ level: "warn", code: "refused", reason: "unsigned", bytes: 7 }]);
    expect(lines()[0]).not.toHaveProperty("total");
  });

  test("sums up what follows within a second in one line, by reason, with the first one's fields", () => {
    const { record, lines } = summed();
    record("unsigned", () => ({ bytes: 1 }));
    for (let n = 0; n < 1_000; n++) record(n % 4 === 0 ? "unsigned" : "forged", () => ({ bytes: n }));
    vi.advanceTimersByTime(999);
    expect(lines()).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(lines().slice(1)).toMatchObject([
      { code: "refused", reason: "unsigned", bytes: 0, total: 1_000, counts: { unsigned: 250, forged: 750 } },
    ]);
  });

  test("writes at most one line a second for as long as it goes on", () => {
    const { record, lines } = summed();
    for (let ms = 0; ms < 10_000; ms++) {
      record("unsigned");
      vi.advanceTimersByTime(1);
    }
    expect(lines()).toHaveLength(11);
  });

  test("writes at once again after a second without a case", () => {
    const { record, lines } = summed();
    record("unsigned");
    vi.advanceTimersByTime(1_000);
    record("forged");
    expect(lines()).toMatchObject([{ reason: "unsigned" }, { reason: "forged" }]);
  });

  test("describes no case that is not written", () => {
    const { record } = summed();
    const describeCase = vi.fn<() => object>(() => ({}));
    for (let n = 0; n < 1_000; n++) record("unsigned", describeCase);
    vi.advanceTimersByTime(10_000);
    expect(describeCase).toHaveBeenCalledTimes(2);
  });
});
