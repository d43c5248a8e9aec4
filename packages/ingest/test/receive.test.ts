import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { DeliveryQueue } from "@dossier/queue";
import { payload, sign } from "@dossier/simulator";
import { openPool } from "@dossier/store";
import { freshRedis, waitFor } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { createBodyBudget } from "../src/body-budget.ts";
import { createSecretMask } from "../src/mask.ts";
import { createReceiver, createOutageLogs, type ReceiverOptions } from "../src/receive.ts";
import { testLogger, createDatabase, holdCommits, openTestQueue, SECRET } from "./harness.ts";

const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));
const UNAVAILABLE = { ok: false, error: { kind: "unavailable" } };

function webhook(): IncomingMessage {
  const incoming = new IncomingMessage(new Socket());
  incoming.headers = { "abp-webhook-signature": sign(BODY, SECRET), "content-length": String(BODY.length) };
  incoming.complete = true;
  incoming.push(BODY);
  incoming.push(null);
  return incoming;
}

/** Returns a receiver on a new database, whose commits are held until `commits.release`. */
async function receiverWithHeldCommits(
  context: TestContext,
  options: Partial<ReceiverOptions> | ((queue: DeliveryQueue) => Partial<ReceiverOptions>) = {},
) {
  const databaseUrl = await createDatabase(context);
  const { log, lines } = testLogger("info");
  const pool = openPool(databaseUrl, { name: "test", size: 2, timeoutMs: 60_000 });
  context.onTestFinished(() => pool.end());
  const queue = openTestQueue(context, await freshRedis(context), pool);
  const receiver = createReceiver({
    pool,
    queue,
    secrets: [SECRET],
    maskSecrets: createSecretMask([SECRET]),
    budget: createBodyBudget({ totalBytes: 1024 * 1024, reservedBytes: 0, smallBytes: 0 }),
    maxBodyBytes: 1024 * 1024,
    commitTimeoutMs: 60_000,
    maxBufferedBytes: 1024 * 1024,
    outages: createOutageLogs(log),
    onNotEnqueued: () => undefined,
    ...(typeof options === "function" ? options(queue) : options),
  });
  const commits = await holdCommits(context, databaseUrl);
  return { ...receiver, commits, pool, queue, codes: () => lines().map(({ code }) => code) };
}

test("webhooks that arrive while a commit is in flight share the next commit and its job", async (context) => {
  const { receive, commits, pool, queue } = await receiverWithHeldCommits(context);
  const first = receive(webhook());
  await commits.reached();
  const others = Array.from({ length: 99 }, () => receive(webhook()));
  // Reading their bodies from memory takes a few turns of the event loop.
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  await commits.release();
  const ids = (await Promise.all([first, ...others])).map((received) =>
    received.ok ? received.value : "rejected",
  );

  const { rows } = await pool.query<{ ids: string[] }>(
    "select array_agg(delivery_id::text order by delivery_id) as ids from deliveries group by xmin::text order by 1",
  );
  expect(rows.map((commit) => commit.ids)).toEqual([ids.slice(0, 1), ids.slice(1).toSorted()]);
  const jobs = await (await queue.bullmq()).getJobs("waiting");
  expect(new Set(jobs.map(({ data }) => data.deliveryIds.join()))).toEqual(
    new Set([ids.slice(0, 1).join(), ids.slice(1).join()]),
  );
});

test("webhooks are recorded while the queue is slow to take those before", async (context) => {
  const queueTakes = Promise.withResolvers<void>();
  const { receive, commits, pool } = await receiverWithHeldCommits(context, (queue) => ({
    queue: {
      ...queue,
      async enqueue(ids) {
        await queueTakes.promise;
        await queue.enqueue(ids);
      },
    },
  }));
  await commits.release();
  const countRecorded = async () => (await pool.query("select from deliveries")).rowCount;
  const first = receive(webhook());
  await waitFor(countRecorded, (recorded) => recorded === 1);
  const second = receive(webhook());
  await waitFor(countRecorded, (recorded) => recorded === 2);
  queueTakes.resolve();
  expect([(await first).ok, (await second).ok]).toEqual([true, true]);
});

test("a webhook whose commit takes too long is unavailable, and its late commit stands", async (context) => {
  const { receive, commits, idle, pool } = await receiverWithHeldCommits(context, { commitTimeoutMs: 100 });
  expect(await receive(webhook())).toEqual(UNAVAILABLE);
  await commits.release();
  await idle();
  expect((await pool.query("select from deliveries")).rowCount).toBe(1);
});

test("webhooks beyond the buffer are unavailable at once, and those in it are accepted", async (context) => {
  const { receive, commits } = await receiverWithHeldCommits(context, { maxBufferedBytes: 10_000 });
  const first = receive(webhook());
  await commits.reached();
  const second = receive(webhook());
  expect(await Promise.all([receive(webhook()), receive(webhook())])).toEqual([UNAVAILABLE, UNAVAILABLE]);
  await commits.release();
  expect([(await first).ok, (await second).ok]).toEqual([true, true]);
  expect((await receive(webhook())).ok).toBe(true);
});

test("a full buffer and its end are logged once", async (context) => {
  const { receive, commits, idle, codes } = await receiverWithHeldCommits(context, { maxBufferedBytes: 1 });
  const first = receive(webhook());
  await commits.reached();
  await Promise.all([receive(webhook()), receive(webhook())]);
  expect(codes()).toEqual(["webhook-buffer-full"]);
  await commits.release();
  await first;
  await idle();
  expect(codes()).toEqual(["webhook-buffer-full", "webhook-buffer-recovered"]);
});
