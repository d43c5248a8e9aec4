import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { payload } from "@dossier/simulator";
import { ensureRoles, openPool } from "@dossier/store";
import { createLogin } from "@dossier/store/fixtures";
import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { createDatabase, post, SECRET } from "./harness.ts";
import { startProcess } from "./process.ts";

const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));

test("a database login and its password are replaced while it runs, and it refuses no webhook", async (context) => {
  const ownerUrl = await createDatabase(context);
  const owner = openPool(ownerUrl, { name: "test", size: 1 });
  context.onTestFinished(() => owner.end());
  const url = await createLogin(ownerUrl, "ingest");
  const folder = await mkdtemp(join(tmpdir(), "dossier-rotation-"));
  context.onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "database_url");
  const write = (content: string) => writeFile(file, `${content}\n`);
  await write(url);
  const { logged } = startProcess(context, {
    DATABASE_URL_FILE: file,
    REDIS_URL: "redis://127.0.0.1:1",
    ICOMPLY_WEBHOOK_SECRETS: SECRET,
  });
  const port = Number((await logged("listening")).port);
  const send = () => post(port, BODY).then(({ status }) => status);
  /** Ends the connections of a login, as it is before it is removed. */
  const disconnect = (user: string) =>
    owner.query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1", [user]);
  const users = async () => {
    const { rows } = await owner.query<{ usename: string }>(
      "select distinct usename from pg_stat_activity where application_name = 'dossier-ingest'",
    );
    return rows.map(({ usename }) => usename);
  };
  expect(await send()).toBe(200);

  const changed = withLogin(url, new URL(url).username, "another");
  await write(changed);
  await owner.query(`alter role ${new URL(changed).username} password 'another'`);
  await disconnect(new URL(changed).username);
  expect(await send()).toBe(200);

  const replaced = withLogin(url, `${new URL(url).username}_2`, "of a new login");
  await ensureRoles(ownerUrl, { ingest: replaced });
  await write(replaced);
  await disconnect(new URL(url).username);
  expect(await send()).toBe(200);
  await waitFor(users, (found) => expect(found).toEqual([new URL(replaced).username]));
  await owner.query(`drop owned by ${new URL(url).username}; drop role ${new URL(url).username}`);
  expect(await send()).toBe(200);
});

function withLogin(url: string, username: string, password: string): string {
  const changed = new URL(url);
  Object.assign(changed, { username, password });
  return changed.href;
}
