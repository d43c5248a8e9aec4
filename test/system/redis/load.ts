/** Webhooks at an even rate through an ingest and workers, processes of their own, on one Redis. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createSender, retryFor, scenario } from "@dossier/simulator";
import { readInstallationId } from "@dossier/store";
import { migratedDatabase, openRecord } from "@dossier/store/fixtures";
import { startNode, waitFor } from "@dossier/testing";
import { expect, type TestContext } from "vitest";

const SECRET = "whs_0123456789abcdef0123456789abcdef";
const WORKERS = 2;
const WEBHOOKS_PER_SECOND = 40;
const PERSONS = 100;

/** Starts the services, with their defaults. They end with the test. */
export async function startServices(context: TestContext, redisUrl: string) {
  const databaseUrl = await migratedDatabase(context);
  const { pool, rows } = await openRecord(context, { url: databaseUrl, size: 2 });
  const start = (service: string) =>
    startNode(context, join(import.meta.dirname, `../../../packages/${service}/src/main.ts`), {
      env: {
        DATABASE_URL: databaseUrl,
        REDIS_URL: redisUrl,
        ICOMPLY_WEBHOOK_SECRETS: SECRET,
        PORT: "0",
        OPS_PORT: "0",
      },
    });
  const ingest = start("ingest");
  const workers = Array.from({ length: WORKERS }, () => start("worker"));
  for (const worker of workers) await worker.logged("worker-started");
  const { port } = await ingest.logged("listening");
  return {
    /** Of the queue's keys. */
    prefix: `{dossier:${await readInstallationId(pool)}}`,
    /** Sends the webhooks of some persons, each once, at an even rate. */
    send: () => send(new URL(`http://127.0.0.1:${String(port)}/webhooks/icomply`)),
    /** Waits until all deliveries are settled. Returns what is in the record then. */
    async settled() {
      await waitFor(
        () => rows("select count(*)::int as open from open_deliveries"),
        (found) => expect(found).toEqual([{ open: 0 }]),
      );
      const [counts] = await rows(`
        select
          (select count(*)::int from settlements) as settlements,
          (select count(*)::int from settlements where settled_as = 'applied') as applied,
          (select count(*)::int from events) as events,
          (select count(*)::int from failed_attempts) as failures`);
      return counts;
    },
    /** Prints how long nothing was settled after the fault, and the longest from a delivery's receipt to its end. */
    async printWaits(fault: string, faultAt: Date): Promise<void> {
      const [waits] = await rows<{ pause: string; settling: string }>(
        `select
          (select max(ended - began)::text from (
            select settled_at as ended, lag(settled_at) over (order by settled_at) as began from settlements) as pauses
            where ended > $1 and began < $1::timestamptz + interval '1 s') as pause,
          (select max(settled_at - received_at)::text from settlements join deliveries using (delivery_id)) as settling`,
        [faultAt],
      );
      process.stderr.write(
        `${fault}: ${waits?.pause} without a settlement; settled after ${waits?.settling} at most\n`,
      );
    },
  };
}

/** What `settled` returns if each webhook was applied, and none twice. */
export function eachAppliedOnce(webhooks: number) {
  return { settlements: webhooks, applied: webhooks, events: webhooks, failures: 0 };
}

/** Returns how many webhooks were accepted. Throws if one was not. */
async function send(url: URL): Promise<number> {
  const sender = createSender({ urls: [url], secret: SECRET, retry: retryFor(60_000) });
  const { webhooks } = scenario({ persons: PERSONS, seed: 1, duplicates: 0, shuffle: 0 });
  const sent = [];
  for (const { body } of webhooks) {
    sent.push(sender.send(body));
    await delay(1_000 / WEBHOOKS_PER_SECOND);
  }
  const results = await Promise.all(sent);
  sender.close();
  expect(results.find(({ kind }) => kind !== "accepted")).toBeUndefined();
  return results.length;
}
