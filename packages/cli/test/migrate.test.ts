import { openPool } from "@dossier/store";
import { freshDatabase } from "@dossier/testing";
import { expect, onTestFinished, test } from "vitest";
import { dossier } from "./command.ts";

async function database() {
  const fresh = await freshDatabase();
  onTestFinished(() => fresh.drop());
  const login = new URL(fresh.url);
  login.username = `service_of_${login.pathname.slice(1)}`;
  login.password = "a-password";
  return { ownerUrl: fresh.url, serviceUrl: login.href, login: login.username };
}

test("migrate creates the schema and the queue; repeated, it finds nothing missing", async () => {
  const { ownerUrl } = await database();
  const first = await dossier(["migrate", "--json"], { DATABASE_URL: ownerUrl });
  expect(first.code).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({
    queue: "postgres",
    ran: expect.arrayContaining(["0001_inbox"]),
  });
  expect(first.stderr).toContain("could drop the rule that the log is append-only");

  const second = await dossier(["migrate"], { DATABASE_URL: ownerUrl });
  expect(second.code).toBe(0);
  expect(second.stdout).toContain("no migration was missing");
});

test("migrate creates the services' login, which cannot disable the append-only rule", async () => {
  const { ownerUrl, serviceUrl, login } = await database();
  const env = { DATABASE_URL: serviceUrl, MIGRATION_DATABASE_URL: ownerUrl };
  const { code, stderr } = await dossier(["migrate"], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });

  const service = openPool(serviceUrl, { name: "test", size: 1 });
  const owner = openPool(ownerUrl, { name: "test", size: 1 });
  onTestFinished(async () => {
    await service.end();
    await owner.query(`drop owned by ${login}; drop role ${login}`);
    await owner.end();
  });
  await expect(service.query("select count(*) from bullmq.job")).resolves.toBeDefined();
  await expect(service.query("alter table events disable trigger append_only")).rejects.toThrow(
    "must be owner",
  );
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
