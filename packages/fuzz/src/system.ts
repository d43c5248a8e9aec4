import { startIngest } from "@dossier/ingest";
import { migrateQueue } from "@dossier/queue";
import { createLogger, serveOps } from "@dossier/service";
import { migrate, openPool } from "@dossier/store";
import { waitFor } from "@dossier/testing";
import { startWorker } from "@dossier/worker";
import { HANG_MS } from "./connection.ts";
import { BODY_LIMIT_BYTES, SECRETS } from "./request.ts";

/** The system under test: an ingest and a worker in this process, on real servers. */
export interface System {
  /** Of ingest. */
  readonly port: number;
  /** Returns how each delivery was settled (a dead letter's reason) once all are. Rejects if some never are. */
  waitForSettlements(deliveryIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Returns what must never happen: attempts used by these deliveries, and log lines with errors or personal data. */
  takeViolations(deliveryIds: readonly string[]): Promise<readonly string[]>;
  /** Counts the recorded deliveries, and those of them with a secret in their bytes, once none is open. */
  countDeliveries(): Promise<{ recorded: number; withSecret: number }>;
  stop(): Promise<void>;
}

const ERROR = /"level":"(error|fatal)"/;
/** Outages are not caused by the input: servers may be slow on a busy machine. */
const OUTAGE =
  /"code":"(postgres-unavailable|queue-unavailable|consuming-stopped|webhook-buffer-full|sweep-failed|report-failed|removal-failed|rebuild-need-unknown)"/;
/** Personal data and secrets in the payloads. */
const PERSONAL_DATA = /John Doe|john\.doe|person-\d|whs_[0-9a-f]{8}/;

export async function startSystem(databaseUrl: string, redisUrl: string): Promise<System> {
  await migrate(databaseUrl);
  await migrateQueue(databaseUrl);
  const badLines: string[] = [];
  const destination = {
    write(line: string) {
      if (PERSONAL_DATA.test(line) || (ERROR.test(line) && !OUTAGE.test(line))) badLines.push(line);
    },
  };
  const shutdown = new AbortController();
  const config = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl };
  const log = createLogger({ service: "fuzz", level: "trace", destination });
  const ops = await serveOps({
    service: "fuzz",
    OPS_PORT: 0,
    OPS_HOST: "127.0.0.1",
    log,
    drainSignal: shutdown.signal,
  });
  if (!ops.ok) throw new Error(ops.error);
  const fail = (reason: string) => {
    throw new Error(reason);
  };
  const context = { log, ops: ops.value, shutdownSignal: shutdown.signal, fail };
  const ingest = await startIngest(
    {
      ...config,
      PORT: 0,
      ICOMPLY_WEBHOOK_SECRETS: [...SECRETS],
      MAX_BODY_BYTES: BODY_LIMIT_BYTES,
      KEEP_ALIVE_SECONDS: 65,
    },
    context,
  );
  if (!ingest.ok) throw new Error(ingest.error);
  const worker = await startWorker({ ...config, WORKER_CONCURRENCY: 64, MAX_ATTEMPTS: 3 }, context);
  if (!worker.ok) throw new Error(worker.error);
  const pool = openPool(databaseUrl, { name: "fuzz", size: 2 });

  return {
    port: ingest.value.port,
    async waitForSettlements(deliveryIds) {
      const readSettlements = async () => {
        const { rows } = await pool.query<{ delivery_id: string; settlement: string }>(
          `select delivery_id, coalesce(dead_letter_reason, settled_as) as settlement
           from settlements where delivery_id = any ($1)`,
          [deliveryIds],
        );
        return new Map(rows.map(({ delivery_id, settlement }) => [delivery_id, settlement]));
      };
      return waitFor(readSettlements, ({ size }) => size === deliveryIds.length, Date.now() + HANG_MS);
    },
    async takeViolations(deliveryIds) {
      const { rows } = await pool.query<{ error: string }>(
        "select error from failed_attempts where delivery_id = any ($1)",
        [deliveryIds],
      );
      return [...badLines.splice(0), ...rows.map(({ error }) => `an attempt failed: ${error}`)];
    },
    async countDeliveries() {
      const countOpen = async () => (await pool.query("select from open_deliveries")).rowCount;
      await waitFor(countOpen, (open) => open === 0, Date.now() + HANG_MS);
      const { rows } = await pool.query<{ recorded: number; withSecret: number }>(
        `select count(*)::int as recorded, count(*) filter (
           where exists (select from unnest($1::text[]) secret where position(convert_to(secret, 'UTF8') in body) > 0)
         )::int as "withSecret" from deliveries`,
        [SECRETS],
      );
      return rows[0] ?? { recorded: 0, withSecret: 0 };
    },
    async stop() {
      shutdown.abort();
      for (const service of [ingest.value, worker.value]) {
        for (const step of Object.values(service.shutdown)) await step();
      }
      await ops.value.close();
      await pool.end();
    },
  };
}
