import { expect, test } from "vitest";
import { awaitAll } from "../../src/database/transaction.ts";

test("of statements that fail together, the first one sent is told, however deep it was sent", async () => {
  const cause = Promise.withResolvers<never>();
  const echo = Promise.withResolvers<never>();
  const all = awaitAll([awaitAll([awaitAll([cause.promise])]), echo.promise]);
  // As when the answers to both come at once: the deeper promise is the later one to be rejected.
  cause.reject(new Error("the cause"));
  echo.reject(new Error("current transaction is aborted"));
  await expect(all).rejects.toThrow("the cause");
});

test("nothing of it is under way any more when a failure is told", async () => {
  const slow = Promise.withResolvers<string>();
  let told = false;
  const all = awaitAll([Promise.reject(new Error("first")), slow.promise]).catch(() => (told = true));
  await new Promise(setImmediate);
  expect(told).toBe(false);
  slow.resolve("ended");
  await all;
  expect(told).toBe(true);
});

test("the results come in the order in which they were sent", async () => {
  expect(await awaitAll([Promise.resolve(1), undefined, Promise.resolve("2")])).toEqual([1, undefined, "2"]);
});
