// graphile-worker with one job and one transaction a webhook. It fetches and completes many jobs at once.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { endPeer, type Places } from "../../peers/peer.ts";
import { applyWebhooks, parse, TABLES, type Payload } from "../../peers/persons.ts";
import { transaction } from "../../peers/transaction.ts";

const CONCURRENCY = 10;
const BATCH = 500;

const logger = new Logger(() => () => undefined);

export async function fill({ databaseUrl }: Places, bodies: readonly Buffer[]): Promise<void> {
  const utils = await makeWorkerUtils({ connectionString: databaseUrl, logger });
  await utils.migrate();
  for (let start = 0; start < bodies.length; start += BATCH)
    await utils.addJobs(
      bodies.slice(start, start + BATCH).map((body) => ({ identifier: "webhook", payload: parse(body) })),
    );
  await utils.release();
}

export async function start({ databaseUrl }: Places, onSettled: (deliveries: number) => void): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  pool.on("error", () => undefined);
  await pool.query(TABLES);
  const runner = await run({
    pgPool: pool,
    logger,
    noHandleSignals: true,
    preset: {
      worker: {
        concurrentJobs: CONCURRENCY,
        localQueue: { size: BATCH },
        completeJobBatchDelay: 0,
      },
    },
    taskList: {
      webhook: async (payload) => {
        await transaction(pool, (client) =>
          applyWebhooks((text, values) => client.query(text, values), [payload as Payload]),
        );
        onSettled(1);
      },
    },
  });
  runner.events.on("job:error", ({ error }) => endPeer(error));
}
