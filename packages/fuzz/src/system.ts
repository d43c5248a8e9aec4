import { setTimeout as sleep } from "node:timers/promises";
import { startIngest } from "@dossier/ingest";
import { migrateQueue } from "@dossier/queue";
import { createLogger } from "@dossier/service";
import { migrate, openPool } from "@dossier/store";
import { startWorker } from "@dossier/worker";
import { LIMIT, SECRETS } from "./request.ts";
import { HUNG_MS } from "./send.ts";

/** A real ingest and a real worker in this process. */
export interface System {
  readonly port: number;
  /** How each of these deliveries ended; resolves when all of them have, and rejects where some never do. */
  settled(deliveryIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** What must not have happened: attempts that these used up, and since it was last asked errors or persons in the log. */
  faults(deliveryIds: readonly string[]): Promise<readonly string[]>;
  /** How many deliveries are recorded, and how many of them hold a secret; resolves when none is open. */
  inbox(): Promise<{ recorded: number; telling: number }>;
  stop(): Promise<void>;
}

const ERROR = /"level":"(error|fatal)"/;

/** A server that is slow on a busy machine is no fault of what was sent. */
const OUTAGE = /"code":"(postgres-unavailable|queue-unavailable|webhook-buffer-full|sweep-failed)"/;

const LOOK_AGAIN_MS = 5;

/** What the payloads say of persons, and no log line may. */
const PERSONAL = /John Doe|john\.doe|person-\d|whs_[0-9a-f]{8}/;

export async function startSystem(databaseUrl: string, redisUrl: string): Promise<System> {
  await migrate(databaseUrl);
  await migrateQueue(databaseUrl);
  const said: string[] = [];
  const destination = {
    write(line: string) {
      if (PERSONAL.test(line) || (ERROR.test(line) && !OUTAGE.test(line))) said.push(line);
    },
  };
  const shutdownSignal = new AbortController();
  const common = { PORT: 0, LOG_LEVEL: "trace" as const, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl };
  const ingest = await startIngest(
    { ...common, ICOMPLY_WEBHOOK_SECRETS: [...SECRETS], MAX_BODY_BYTES: LIMIT },
    createLogger({ service: "ingest", level: "trace", destination }),
    shutdownSignal.signal,
  );
  const worker = await startWorker(
    { ...common, WORKER_CONCURRENCY: 64, MAX_ATTEMPTS: 3 },
    createLogger({ service: "worker", level: "trace", destination }),
    shutdownSignal.signal,
  );
  if (!ingest.ok) throw new Error(ingest.error);
  if (!worker.ok) throw new Error(worker.error);
  const pool = openPool(databaseUrl, { name: "fuzz", size: 2 });

  return {
    port: ingest.value.port,
    async settled(deliveryIds) {
      for (const until = performance.now() + HUNG_MS; ; await sleep(LOOK_AGAIN_MS)) {
        const { rows } = await pool.query<{ delivery_id: string; outcome: string }>(
          `select delivery_id, outcome || coalesce(' ' || reason, '') as outcome
           from settlements left join dead_letters using (delivery_id) where delivery_id = any ($1)`,
          [deliveryIds],
        );
        if (rows.length === deliveryIds.length) {
          return new Map(rows.map(({ delivery_id, outcome }) => [delivery_id, outcome]));
        }
        if (performance.now() > until) {
          throw new Error(
            `${deliveryIds.length - rows.length} accepted ones not settled within ${HUNG_MS} ms`,
          );
        }
      }
    },
    async faults(deliveryIds) {
      const { rows } = await pool.query<{ error: string }>(
        "select error from failures where delivery_id = any ($1)",
        [deliveryIds],
      );
      return [...said.splice(0), ...rows.map(({ error }) => `an attempt was used up: ${error}`)];
    },
    async inbox() {
      while ((await pool.query("select from open_deliveries limit 1")).rowCount) await sleep(LOOK_AGAIN_MS);
      const { rows } = await pool.query<{ recorded: number; telling: number }>(
        `select count(*)::int as recorded, count(*) filter (
           where exists (select from unnest($1::text[]) secret where position(convert_to(secret, 'UTF8') in body) > 0)
         )::int as telling from deliveries`,
        [SECRETS],
      );
      return rows[0] ?? { recorded: 0, telling: 0 };
    },
    async stop() {
      shutdownSignal.abort();
      for (const { shutdown } of [ingest.value, worker.value]) {
        for (const step of Object.values(shutdown)) await step();
      }
      await pool.end();
    },
  };
}
