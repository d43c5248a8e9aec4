import { expect, test } from "vitest";
import { outageLog } from "../src/index.ts";
import { testLogger } from "./fixtures/test-logger.ts";

function queueOutage() {
  const { log, lines } = testLogger();
  return {
    outage: outageLog(log, {
      began: { code: "queue-unavailable", message: "queue unavailable; retrying" },
      ended: { code: "queue-recovered", message: "queue available again" },
    }),
    logged: () => lines().map(({ level, code }) => [level, code]),
  };
}

const BEGAN = ["error", "queue-unavailable"];
const ENDED = ["info", "queue-recovered"];

test("an outage is logged once, however many attempts fail", () => {
  const { outage, logged } = queueOutage();
  expect([1, 2, 3].map(() => outage.recordFailure(new Error("refused")))).toEqual([true, false, false]);
  expect(logged()).toEqual([BEGAN]);
});

test("the end of an outage is logged once, and nothing without an outage", () => {
  const { outage, logged } = queueOutage();
  outage.recordSuccess();
  expect(logged()).toEqual([]);
  outage.recordFailure(new Error("refused"));
  for (let n = 0; n < 3; n++) outage.recordSuccess();
  expect(logged()).toEqual([BEGAN, ENDED]);
});

test("the next outage is logged anew", () => {
  const { outage, logged } = queueOutage();
  outage.recordFailure(new Error("refused"));
  outage.recordSuccess();
  outage.recordFailure(new Error("refused again"));
  expect(logged()).toEqual([BEGAN, ENDED, BEGAN]);
});

test("watched work that fails begins an outage and still fails; work that succeeds ends it", async () => {
  const { outage, logged } = queueOutage();
  await expect(outage.watch(() => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
  expect(await outage.watch(() => Promise.resolve(7))).toBe(7);
  expect(logged()).toEqual([BEGAN, ENDED]);
});
