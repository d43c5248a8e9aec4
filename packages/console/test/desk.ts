import { randomUUID } from "node:crypto";
import { foldFailed } from "@dossier/events";
import { migrateQueue } from "@dossier/queue";
import { createLogger } from "@dossier/service";
import { encode, payload } from "@dossier/simulator";
import {
  deadLetter,
  findIdentity,
  migrate,
  openPool,
  recordDeliveries,
  recordFailedAttempt,
  settle,
  type Pool,
} from "@dossier/store";
import { freshDatabase } from "@dossier/testing";
import { beforeAll, type TestContext } from "vitest";
import { startConsole, type ConsoleConfig } from "../src/index.ts";
import { contractOf, type OpenApiDocument } from "./contract.ts";
import { exchange, sent, type Answer, type Asked } from "./http.ts";

/** The part of a test's context that is used here. */
export type Scope = Pick<TestContext, "onTestFinished">;

export type Desk = Awaited<ReturnType<typeof desk>>;

export async function prepare(databaseUrl: string): Promise<void> {
  await migrate(databaseUrl);
  await migrateQueue(databaseUrl);
}

export async function database(scope: Scope): Promise<string> {
  const { url, drop } = await freshDatabase({ name: "console", make: prepare });
  scope.onTestFinished(drop);
  return url;
}

/** A console in this process, on a record of its own unless another is given, and the hand that writes the record. */
export async function desk(
  scope: Scope,
  given: Partial<ConsoleConfig> = {},
  options?: { readonly heartbeatSeconds: number },
) {
  const config: ConsoleConfig = {
    PORT: 0,
    LOG_LEVEL: "trace",
    DATABASE_URL: given.DATABASE_URL ?? (await database(scope)),
    REDIS_URL: undefined,
    DOSSIER_API_TOKEN: undefined,
    ...given,
  };
  const printed: string[] = [];
  const log = createLogger({
    service: "console",
    level: config.LOG_LEVEL,
    destination: { write: (line) => printed.push(line) },
  });
  const shutdownSignal = new AbortController();
  const started = await startConsole(config, log, shutdownSignal.signal, {
    queueTimeoutMs: 20_000,
    ...options,
  });
  if (!started.ok) throw new Error(started.error);
  const { port, shutdown } = started.value;
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    shutdownSignal.abort();
    for (const step of Object.values(shutdown)) await step();
  };
  const close = () => (stopped ??= stop());
  scope.onTestFinished(close);
  const kept = contractOf((await exchange(port, "/openapi.json")).json as OpenApiDocument);

  /** Asks, and holds the answer against the API's document. */
  async function ask(path: string, asked: Asked = {}): Promise<Answer> {
    const answer = await exchange(port, path, asked);
    await kept(asked.method ?? "GET", path, answer);
    return answer;
  }

  return {
    port,
    config,
    printed,
    lines: () =>
      printed.map((line) => JSON.parse(line) as { level: string; code?: string; [field: string]: unknown }),
    close,
    ask,
    get: (path: string, headers: Record<string, string> = {}) => ask(`/api/v1${path}`, { headers }),
    post: (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
      ask(`/api/v1${path}`, {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      }),
    sent: (path: string, headers: Record<string, string> = {}) => sent(port, `/api/v1${path}`, { headers }),
    ...clerk(scope, config.DATABASE_URL),
  };
}

/** Writes a record as ingest and the worker do. */
function clerk(scope: Scope, databaseUrl: string) {
  const pool = openPool(databaseUrl, { name: "test", size: 4 });
  scope.onTestFinished(() => pool.end());

  /** Records bodies in one commit, and gives their deliveries' ids. */
  async function record(...bodies: readonly Buffer[]): Promise<string[]> {
    const deliveries = bodies.map((body) => ({
      deliveryId: randomUUID(),
      body,
      headers: { "user-agent": "iComply" },
      verifiedBy: "signature" as const,
      secretFingerprint: "sha256:0",
    }));
    await recordDeliveries(pool, deliveries);
    return deliveries.map(({ deliveryId }) => deliveryId);
  }

  return {
    pool,
    record,
    settle: (deliveryIds: readonly string[]) => settle(pool, deliveryIds, "test"),
    /** Records and settles, in one batch. */
    async take(...bodies: readonly Buffer[]): Promise<string[]> {
      const deliveryIds = await record(...bodies);
      await settle(pool, deliveryIds, "test");
      return deliveryIds;
    },
    /** A delivery that used up its attempts: `fold-failed`. */
    async exhaust(body: Buffer, error = "TypeError: broken"): Promise<string> {
      const [deliveryId = ""] = await record(body);
      const told = { error, stack: "    at fold (evolve.ts:1:1)", codeVersion: "test" };
      await recordFailedAttempt(pool, { deliveryId, ...told }, [1]);
      await deadLetter(pool, deliveryId, foldFailed(1, error, await findIdentity(pool, deliveryId)), "test");
      return deliveryId;
    },
    /** When Postgres received a delivery, as the API writes it. */
    async receivedAt(deliveryId = ""): Promise<bigint> {
      const { rows } = await pool.query<{ ticks: bigint }>(
        "select (extract(epoch from received_at) * 10000000)::bigint as ticks from deliveries where delivery_id = $1",
        [deliveryId],
      );
      return rows[0]?.ticks ?? 0n;
    },
  };
}

/** One desk for all tests of a file that leave no trace in it, or only such as disturb no other. */
export function sharedDesk(
  fill: (desk: Desk) => Promise<unknown> = () => Promise.resolve(),
  options?: { readonly heartbeatSeconds: number },
): () => Desk {
  let shared: Desk | undefined;
  beforeAll(async () => {
    const undo: (() => unknown)[] = [];
    shared = await desk({ onTestFinished: (end) => void undo.unshift(end as () => unknown) }, {}, options);
    await fill(shared);
    return async () => {
      for (const end of undo) await end();
    };
  });
  return () => {
    if (shared === undefined) throw new Error("only to be called in a test");
    return shared;
  };
}

/** An event of a person, as it is sent. */
export function event(
  entityId: string,
  given: { readonly event?: string; readonly id?: string; readonly at?: string; readonly data?: object } = {},
): Buffer {
  const { event = "NaturalPersonPending", id = "1", at = "2026-01-01T00:00:00.0000000Z", data = {} } = given;
  return encode(payload({ event, id, entityId, creationTimeUtc: at, data }));
}

/** Every row of every table, by the table's name. */
export async function everything(pool: Pool): Promise<Record<string, string[]>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
  );
  const contents = tables.map(async ({ name }) => {
    const { rows } = await pool.query<{ row: string }>(`select ${name}::text as row from ${name} order by 1`);
    return [name, rows.map(({ row }) => row)] as const;
  });
  return Object.fromEntries(await Promise.all(contents));
}
