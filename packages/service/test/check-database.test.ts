import { waitFor } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { checkDatabase } from "../src/index.ts";
import { testLogger } from "./fixtures/test-logger.ts";

const SUITABLE = { ok: true, value: { login: "ingest", owns: false, unlimited: [] } } as const;

/** Checks a database that gives these results, one after the other, until the last. */
function start(context: TestContext, ...results: readonly Awaited<ReturnType<Check>>[]) {
  const { log, logged } = testLogger();
  const shutdown = new AbortController();
  context.onTestFinished(() => shutdown.abort());
  const failures: string[] = [];
  const fail = (reason: string) => void failures.push(reason);
  const left = [...results];
  const check: Check = async () => (left.length > 1 ? left.shift() : left[0]);
  const checked = checkDatabase("ingest", check, { log, fail, shutdownSignal: shutdown.signal });
  return { checked, failures, logged };
}

type Check = Parameters<typeof checkDatabase>[1];

test("a service that can never work on its database does not start", async (context) => {
  const refused = { ok: false, error: "no rights" } as const;
  expect(await start(context, refused).checked).toEqual(refused);
});

test("a database that is away at the start is checked once it is there, which may end the service", async (context) => {
  const { checked, failures } = start(context, undefined, { ok: false, error: "a pooler" });
  expect(await checked).toMatchObject({ ok: true });
  await waitFor(
    () => failures,
    (found) => expect(found).toEqual(["a pooler"]),
  );
});

test("a login without time limits is warned of, with the remedy", async (context) => {
  const unlimited = ["statement_timeout", "lock_timeout"];
  const { checked, logged } = start(context, {
    ok: true,
    value: { login: "by_hand", owns: false, unlimited },
  });
  expect(await checked).toMatchObject({ ok: true });
  expect(logged("no-time-limits")).toMatchObject([
    {
      level: "warn",
      login: "by_hand",
      settings: "statement_timeout,lock_timeout",
      remedy: expect.stringContaining("INGEST_DATABASE_URL") as string,
    },
  ]);
  const limited = start(context, SUITABLE);
  await limited.checked;
  expect(limited.logged("no-time-limits")).toEqual([]);
});

test("the owner's login, which may change what is recorded, is warned of", async (context) => {
  const value = { login: "postgres", owns: true, unlimited: [] };
  const { checked, logged } = start(context, { ok: true, value });
  expect(await checked).toMatchObject({ ok: true });
  expect(logged("owner-login")).toMatchObject([{ level: "warn", login: "postgres" }]);
  const own = start(context, SUITABLE);
  await own.checked;
  expect(own.logged("owner-login")).toEqual([]);
});
