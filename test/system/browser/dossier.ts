/** Ingest, a worker and the console, processes of their own with logins of their own, and what iComply sends them. */
import { join } from "node:path";
import { migrateQueue } from "@dossier/queue";
import { createSender, payload, poison, retryFor, scenario } from "@dossier/simulator";
import { createToken, ROLES, type Role } from "@dossier/store";
import { createLogin, migratedDatabase, openRecord } from "@dossier/store/fixtures";
import { startNode, waitFor, type Scope } from "@dossier/testing";
import { expect } from "vitest";

const PACKAGES = join(import.meta.dirname, "../../../packages");
const SECRET = "whs_0123456789abcdef0123456789abcdef";

export type Dossier = Awaited<ReturnType<typeof startDossier>>;

/** Starts the services with their defaults, and creates a token for each role. They end with the scope. */
export async function startDossier(scope: Scope, redisUrl: string) {
  const databaseUrl = await migratedDatabase(scope);
  await migrateQueue(databaseUrl);
  const { pool, rows, record, recordAndExhaust } = await openRecord(scope, { url: databaseUrl, size: 2 });
  const tokens = {} as Record<Role, string>;
  for (const role of ROLES)
    tokens[role] = (await createToken(pool, { name: NAMES[role], role, isService: false })).token;

  const start = async (service: "ingest" | "worker" | "console") =>
    startNode(scope, join(PACKAGES, service, "src/main.ts"), {
      env: {
        DATABASE_URL: await createLogin(databaseUrl, service),
        REDIS_URL: redisUrl,
        ICOMPLY_WEBHOOK_SECRETS: SECRET,
        PORT: "0",
        OPS_PORT: "0",
      },
    });
  const [ingest, worker, console] = [await start("ingest"), await start("worker"), await start("console")];
  await worker.logged("worker-started");
  const ports = [await ingest.logged("listening"), await console.logged("listening")].map(({ port }) => port);
  const sender = createSender({
    urls: [new URL(`http://127.0.0.1:${String(ports[0])}/webhooks/icomply`)],
    secret: SECRET,
    connections: 8,
    retry: retryFor(60_000),
  });
  scope.onTestFinished(() => sender.close());

  const url = `http://127.0.0.1:${String(ports[1])}`;

  async function send(bodies: Iterable<Buffer>): Promise<void> {
    const results = await Promise.all(Array.from(bodies, (body) => sender.send(body)));
    expect(results.filter(({ kind }) => kind !== "accepted")).toEqual([]);
  }

  return {
    /** Where people reach the console. */
    url,
    tokens,
    rows,
    record,
    send,
    /** Records an event at which every attempt failed, for no reason of its own: a redrive applies it. Returns its id. */
    recordDeadLetter: recordAndExhaust,
    /** Has the API do something with the token of an operator. Returns its answer. */
    async post<Answer>(path: string, body: object): Promise<Answer> {
      const response = await fetch(`${url}/api/v1${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${tokens.operator}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      expect(response.ok).toBe(true);
      return (await response.json()) as Answer;
    },
    /** Sends the webhooks of some persons, some of them twice and out of order. */
    simulate: (persons: number, seed = 1) =>
      send(Array.from(scenario({ ...SCENARIO, persons, seed }).webhooks, ({ body }) => body)),
    /** Sends some of each that becomes a dead letter, and events of a type that the code does not know. */
    async sendTrouble(): Promise<void> {
      const unknown = { event: "NaturalPersonRiskScored", id: "1" };
      const conflicts = scenario({ ...SCENARIO, persons: 1, seed: 1 }).conflicts;
      await send([
        ...Array.from(poison({ count: 6, seed: 1 }), ({ body }) => body),
        ...Array.from(conflicts, ({ body }) => body),
        Buffer.from(JSON.stringify({ ...payload(unknown), data: { entityId: "a-person" } })),
      ]);
    },
    /** Waits until all deliveries are settled. */
    settled: () =>
      waitFor(
        () => rows("select count(*)::int as open from open_deliveries"),
        (found) => expect(found).toEqual([{ open: 0 }]),
      ),
  };
}

/** Who has the token of each role. */
export const NAMES: Readonly<Record<Role, string>> = {
  viewer: "Mary Jackson",
  operator: "Grace Hopper",
  admin: "Ada Lovelace",
};

const SCENARIO = { duplicates: 0.2, shuffle: 0.3 };
