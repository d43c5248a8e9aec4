import { expect, test } from "vitest";
import { together } from "../../src/database/together.ts";
import { transaction } from "../../src/database/transaction.ts";
import { freshPool } from "../receive.ts";

test("of statements that fail together, the first one sent is told, however deep it was sent", async (context) => {
  const { pool, end } = await freshPool();
  context.onTestFinished(end);
  // As the answers to all come at once, the deeper promise is the later one to be rejected.
  const deep = async (failing: Promise<unknown>) => together([together([failing])]);
  const failed = transaction(pool, (connection) =>
    together([
      deep(connection.query("select 1 / 0")),
      connection.query("select 1"),
      connection.query("select pg_sleep(0)"),
    ]),
  );
  await expect(failed).rejects.toMatchObject({ code: "22012" });
});

test("nothing of it is under way any more when a failure is told", async () => {
  const slow = Promise.withResolvers<string>();
  let told = false;
  const all = together([Promise.reject(new Error("first")), slow.promise]).catch(() => (told = true));
  await new Promise(setImmediate);
  expect(told).toBe(false);
  slow.resolve("ended");
  await all;
  expect(told).toBe(true);
});

test("the results come in the order in which they were sent", async () => {
  expect(await together([Promise.resolve(1), undefined, Promise.resolve("2")])).toEqual([1, undefined, "2"]);
});
