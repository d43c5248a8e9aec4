import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateQueue, openQueue } from "@dossier/queue";
import { sign } from "@dossier/simulator";
import { ensureRoles, migrate } from "@dossier/store";
import { createLogin, eventBody, openRecord } from "@dossier/store/fixtures";
import { freshDatabase, startNode, waitFor } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";

const SECRET = "whs_0123456789abcdef";
const TOKEN = "a-token-for-tests";

/** How each service is started, beside its database, and used. The queue is in the database. */
const SERVICES = {
  ingest: {
    env: { PORT: "0", ICOMPLY_WEBHOOK_SECRETS: SECRET },
    started: "listening",
    use: async ({ port }: Running) => {
      const body = eventBody("a");
      const headers = { "abp-webhook-signature": sign(body, SECRET), "content-type": "application/json" };
      const url = `http://127.0.0.1:${port}/webhooks/icomply`;
      expect((await fetch(url, { method: "POST", body, headers })).status).toBe(200);
    },
  },
  worker: { env: {}, started: "worker-started", use: async ({ settle }: Running) => settle() },
  console: {
    env: { PORT: "0", DOSSIER_API_TOKEN: TOKEN },
    started: "listening",
    use: async ({ port }: Running) => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const url = `http://127.0.0.1:${port}/api/v1/natural-persons`;
      expect((await fetch(url, { headers })).status).toBe(200);
    },
  },
};
type Service = keyof typeof SERVICES;

interface Running {
  readonly port: number | undefined;
  /** Resolves once a delivery that is recorded and enqueued now is settled. */
  settle(): Promise<void>;
}

async function prepare(url: string): Promise<void> {
  await migrate(url);
  await migrateQueue(url);
}

/** Starts a service whose database's URL is in a file. */
async function start(context: TestContext, service: Service) {
  const { url: ownerUrl, drop } = await freshDatabase({ name: "rotation", make: prepare });
  context.onTestFinished(drop);
  const owner = await openRecord(context, { url: ownerUrl, size: 2 });
  const url = await createLogin(ownerUrl, service, (roles) => migrateQueue(ownerUrl, roles));
  const folder = await mkdtemp(join(tmpdir(), "dossier-rotation-"));
  context.onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "database_url");
  const write = (content: string) => writeFile(file, `${content}\n`);
  await write(url);

  const queue = openQueue(
    { databaseUrl: ownerUrl },
    { name: "test", timeoutMs: 20_000, onError: () => undefined },
  );
  context.onTestFinished(() => queue.close());
  const { env, started, use } = SERVICES[service];
  const running = startNode(context, `packages/${service}/src/main.ts`, {
    env: { ...env, OPS_PORT: "0", DATABASE_URL_FILE: file },
  });
  const { port } = await running.logged(started);
  async function settle(): Promise<void> {
    const ids = await owner.record(eventBody("a"));
    await queue.enqueue(ids);
    await waitFor(
      () => owner.statuses(ids),
      (found) => expect(found).not.toEqual(["open"]),
    );
  }
  return {
    ...running,
    owner,
    ownerUrl,
    url,
    file,
    write,
    use: () => use({ port, settle }),
    /** Ends the connections of a login, as it is before it is removed. */
    disconnect: (user: string) =>
      owner.rows("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1", [user]),
    /** The logins of the service's connections, to the record and to the queue. */
    async users() {
      const found = await owner.rows<{ usename: string }>(
        `select distinct usename from pg_stat_activity
         where datname = current_database() and usename <> session_user and backend_type = 'client backend'`,
      );
      return found.map(({ usename }) => usename);
    },
  };
}

test.for(["ingest", "worker", "console"] as const)(
  "a login of the %s and its password are replaced while it runs, and it goes on",
  async (service, context) => {
    const { owner, ownerUrl, url, write, use, disconnect, users } = await start(context, service);
    await use();

    const changed = withLogin(url, new URL(url).username, "another");
    await write(changed);
    await owner.rows(`alter role ${new URL(changed).username} password 'another'`);
    await disconnect(new URL(changed).username);
    await use();

    const replaced = withLogin(url, `${new URL(url).username}_2`, "of a new login");
    const roles = await ensureRoles(ownerUrl, { [service]: replaced });
    await migrateQueue(ownerUrl, [roles[service]]);
    await write(replaced);
    await disconnect(new URL(url).username);
    await use();
    await waitFor(users, (found) => expect(found).toEqual([new URL(replaced).username]));
    await owner.rows(`drop owned by ${new URL(url).username}`);
    await owner.rows(`drop role ${new URL(url).username}`);
    await use();
  },
);

test("a service whose URL's file vanishes logs it once, and logs in as before until it is there again", async (context) => {
  const { url, file, write, use, disconnect, log, logged } = await start(context, "worker");
  await rename(file, `${file}.old`);
  for (let n = 0; n < 3; n++) {
    await disconnect(new URL(url).username);
    await use();
  }
  await write(url);
  await disconnect(new URL(url).username);
  await logged("login-readable");
  await use();
  expect(log.lines().filter(({ code }) => code === "login-unreadable")).toMatchObject([{ level: "error" }]);
});

function withLogin(url: string, username: string, password: string): string {
  const changed = new URL(url);
  Object.assign(changed, { username, password });
  return changed.href;
}
