import { createLogger } from "@dossier/service";
import { openPool, type Pool } from "@dossier/store";
import { freshDatabase } from "@dossier/testing";
import { onTestFinished } from "vitest";
import { prepareSchema } from "../src/schema.ts";
import { startServices } from "../src/up/services.ts";
import type { Environment } from "./command.ts";

export interface Running {
  /** What tells the commands where these services are. */
  readonly env: Environment;
  readonly pool: Pool;
}

/** Ingest, worker and console on a database of their own, the queue in it, until the test ends. */
export async function startAll(): Promise<Running> {
  const database = await freshDatabase({ name: "with_queue", make: prepare });
  const shutdownSignal = new AbortController();
  const quiet = (service: string) => createLogger({ service, level: "silent" });
  const [secret, token] = ["whs_0123456789abcdef0123456789abcdef", "a-token-for-tests"];
  const started = await startServices(
    {
      INGEST_PORT: 0,
      CONSOLE_PORT: 0,
      DOSSIER_DATA_DIR: "/nonexistent",
      DATABASE_URL: database.url,
      MIGRATION_DATABASE_URL: undefined,
      REDIS_URL: undefined,
      ICOMPLY_WEBHOOK_SECRETS: [secret],
      DOSSIER_API_TOKEN: token,
      LOG_LEVEL: "silent",
      MAX_BODY_BYTES: 1024 * 1024,
      WORKER_CONCURRENCY: 64,
      MAX_ATTEMPTS: 8,
    },
    quiet,
    shutdownSignal.signal,
  );
  if (!started.ok) throw new Error(started.error);
  const { ports, shutdown } = started.value;
  const pool = openPool(database.url, { name: "test", size: 1 });
  onTestFinished(async () => {
    shutdownSignal.abort();
    for (const step of Object.values(shutdown)) await step();
    await pool.end();
    await database.drop();
  });
  return {
    pool,
    env: {
      INGEST_PORT: String(ports.ingest),
      CONSOLE_PORT: String(ports.console),
      ICOMPLY_WEBHOOK_SECRETS: secret,
      DOSSIER_API_TOKEN: token,
    },
  };
}

function prepare(url: string) {
  return prepareSchema({ ownerUrl: url, serviceUrl: url, withQueue: true });
}
