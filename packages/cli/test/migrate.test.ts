import { openPool } from "@dossier/store";
import { freshDatabase } from "@dossier/testing";
import { expect, onTestFinished, test } from "vitest";
import { dossier } from "./command.ts";

async function database() {
  const fresh = await freshDatabase();
  onTestFinished(() => fresh.drop());
  const urlOf = (service: string) => {
    const login = new URL(fresh.url);
    login.username = `${login.pathname.slice(1)}_${service}`;
    login.password = "a-password";
    return login.href;
  };
  return {
    ownerUrl: fresh.url,
    logins: {
      INGEST_DATABASE_URL: urlOf("ingest"),
      WORKER_DATABASE_URL: urlOf("worker"),
      CONSOLE_DATABASE_URL: urlOf("console"),
    },
  };
}

test("migrate creates the schema and the queue; repeated, it finds nothing missing", async () => {
  const { ownerUrl } = await database();
  const first = await dossier(["migrate", "--json"], { DATABASE_URL: ownerUrl });
  expect(first.code).toBe(0);
  const name = new URL(ownerUrl).pathname.slice(1);
  expect(JSON.parse(first.stdout)).toMatchObject({
    queue: "postgres",
    ran: expect.arrayContaining(["0001_inbox"]),
    roles: { worker: `${name}_worker_role` },
  });
  expect(first.stderr).toContain("no login was created for ingest: set INGEST_DATABASE_URL");

  const second = await dossier(["migrate"], { DATABASE_URL: ownerUrl });
  expect(second.code).toBe(0);
  expect(second.stdout).toContain("no migration was missing");
});

test("migrate creates each service's login, which may use the queue and its part of the record", async () => {
  const { ownerUrl, logins } = await database();
  const env = { MIGRATION_DATABASE_URL: ownerUrl, ...logins };
  const { code, stderr } = await dossier(["migrate"], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });

  for (const [variable, url] of Object.entries(logins)) {
    const service = openPool(url, { name: "test", size: 1 });
    onTestFinished(() => service.end());
    await expect(service.query("select count(*) from bullmq.job")).resolves.toBeDefined();
    await expect(service.query("drop table bullmq.job")).rejects.toThrow("must be owner");
    const decide = "select has_column_privilege('decisions', 'reason', 'insert') as may";
    expect((await service.query(decide)).rows).toEqual([{ may: variable === "CONSOLE_DATABASE_URL" }]);
  }
});

test("migrate prints the SQL that takes away what a login has too much", async () => {
  const { ownerUrl, logins } = await database();
  const owner = openPool(ownerUrl, { name: "test", size: 1 });
  onTestFinished(() => owner.end());
  const name = `${new URL(ownerUrl).pathname.slice(1)}_ingest`;
  await owner.query(`create role ${name} login createdb password 'a-password'`);
  onTestFinished(async () => void (await owner.query(`drop role ${name}`)));

  const { code, stderr } = await dossier(["migrate"], { DATABASE_URL: ownerUrl, ...logins });

  expect(code).toBe(1);
  expect(stderr).toContain("has more than its role");
  expect(stderr).toContain(`\n  alter role ${name} nocreatedb;\n`);
});

test("migrate creates no queue in Postgres if REDIS_URL is set", async () => {
  const { ownerUrl } = await database();
  const env = { DATABASE_URL: ownerUrl, REDIS_URL: "redis://127.0.0.1:1" };
  const { code, stdout } = await dossier(["migrate", "--json"], env);
  expect({ code, queue: (JSON.parse(stdout) as { queue: string }).queue }).toEqual({
    code: 0,
    queue: "redis",
  });
});

test("migrate exits 1 if Postgres cannot be reached", async () => {
  const { code, stderr } = await dossier(["migrate"], { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" });
  expect(code).toBe(1);
  expect(stderr).toContain("ECONNREFUSED");
});
