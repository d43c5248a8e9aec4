import { freshDatabase } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { checkServiceLogin, closePool, ensureRoles, openPool } from "../../src/index.ts";
import { queryAs } from "../database.ts";
import { createLogin, migratedDatabase } from "../fixtures.ts";

type Service = Parameters<typeof checkServiceLogin>[1];

function check(context: TestContext, url: string, service: Service) {
  const pool = openPool(url, { name: "test", size: 2 });
  context.onTestFinished(() => closePool(pool));
  return checkServiceLogin(pool, service);
}

/** Makes a login without `migrate`. Returns its URL. */
async function createByHand(url: string, statements: (login: string) => string): Promise<string> {
  const login = new URL(url);
  login.username = `${login.pathname.slice(1)}_by_hand`;
  login.password = "x";
  await queryAs(url, `create role ${login.username} login password 'x'; ${statements(login.username)}`);
  return login.href;
}

test.for([
  ["ingest", "worker"],
  ["worker", "console"],
  ["console", "ingest"],
] as const)(
  "the login that migrate makes for %s is right for it, and not for %s",
  async ([service, other], context) => {
    const url = await createLogin(await migratedDatabase(context), service);
    const login = new URL(url).username;
    expect(await check(context, url, service)).toEqual({
      ok: true,
      value: { login, owns: false, unlimited: [] },
    });
    expect(await check(context, url, other)).toMatchObject({
      ok: false,
      error: expect.stringContaining(`${other.toUpperCase()}_DATABASE_URL`) as string,
    });
  },
);

test("a login that does not inherit its role's rights is refused, and not taken for an outage", async (context) => {
  const url = await migratedDatabase(context);
  const { worker } = await ensureRoles(url);
  const login = await createByHand(url, (name) => `grant ${worker} to ${name} with inherit false`);
  expect(await check(context, login, "worker")).toMatchObject({
    ok: false,
    error: expect.stringMatching(
      /rights of worker \(permission denied for database .*dossier migrate/,
    ) as string,
  });
});

test("a login made by hand has no time limits, but for those that somebody has set", async (context) => {
  const url = await migratedDatabase(context);
  const { ingest } = await ensureRoles(url);
  const login = await createByHand(
    url,
    (name) => `grant ${ingest} to ${name}; alter role ${name} set lock_timeout = '3s'`,
  );
  expect(await check(context, login, "ingest")).toMatchObject({
    ok: true,
    value: { unlimited: ["statement_timeout", "idle_in_transaction_session_timeout"] },
  });
});

test("nothing is known of a login while Postgres is away, or the tables are", async (context) => {
  const { url, drop } = await freshDatabase();
  context.onTestFinished(drop);
  expect(await check(context, url, "ingest")).toBeUndefined();
  expect(await check(context, "postgres://127.0.0.1:1/none", "ingest")).toBeUndefined();
});
