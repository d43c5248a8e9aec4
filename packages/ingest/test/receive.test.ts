import { createLogger } from "@dossier/service";
import { payload, sign } from "@dossier/simulator";
import { openPool } from "@dossier/store";
import { freshRedis } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { createReceiver, outageLogs, type ReceiverOptions } from "../src/receive.ts";
import { database, holdCommits, openedQueue, SECRET } from "./harness.ts";

const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));

const webhook = (body = BODY) =>
  new Request("http://ingest/webhooks/icomply", {
    method: "POST",
    body,
    headers: { "abp-webhook-signature": sign(body, SECRET) },
  });

async function receiver(context: TestContext, databaseUrl: string, limits: Partial<ReceiverOptions> = {}) {
  const said: string[] = [];
  const log = createLogger({
    service: "test",
    level: "info",
    destination: { write: (line) => said.push((JSON.parse(line) as { code: string }).code) },
  });
  const pool = openPool(databaseUrl, { name: "test", size: 2, timeoutMs: 60_000 });
  context.onTestFinished(() => pool.end());
  const queue = openedQueue(context, await freshRedis(context));
  const made = createReceiver({
    pool,
    queue,
    secrets: [SECRET],
    maxBodyBytes: 1024 * 1024,
    commitWithinMs: 60_000,
    maxWaitingBytes: 1024 * 1024,
    outages: outageLogs(log),
    onNotEnqueued: () => undefined,
    ...limits,
  });
  return { ...made, pool, queue, said };
}

test("webhooks that come while a commit is in flight share the next one, and its job", async (context) => {
  const url = await database(context);
  const { receive, pool, queue } = await receiver(context, url);
  const commits = await holdCommits(context, url);
  const first = receive(webhook());
  await commits.reached();
  const others = Array.from({ length: 99 }, () => receive(webhook()));
  // They are read from memory, which takes turns of the event loop and no time.
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  await commits.release();
  const ids = (await Promise.all([first, ...others])).map((outcome) =>
    outcome.ok ? outcome.value : "refused",
  );

  const { rows } = await pool.query<{ ids: string[] }>(
    "select array_agg(delivery_id::text order by delivery_id) as ids from deliveries group by xmin::text order by 1",
  );
  expect(rows.map((commit) => commit.ids)).toEqual([ids.slice(0, 1), ids.slice(1).toSorted()]);
  const jobs = await queue.bullmq.getJobs("waiting");
  expect(new Set(jobs.map(({ data }) => data.deliveryIds.join()))).toEqual(
    new Set([ids.slice(0, 1).join(), ids.slice(1).join()]),
  );
});

test("a sender whose commit does not come in time is told so, and a commit that comes late stands", async (context) => {
  const url = await database(context);
  const { receive, idle, pool } = await receiver(context, url, { commitWithinMs: 100 });
  const commits = await holdCommits(context, url);
  expect(await receive(webhook())).toEqual({ ok: false, error: { kind: "unavailable" } });
  await commits.release();
  await idle();
  expect((await pool.query("select from deliveries")).rowCount).toBe(1);
});

test("who finds no room is refused at once; those before are accepted, and the trouble and its end are said once", async (context) => {
  const url = await database(context);
  const { receive, idle, said } = await receiver(context, url, { maxWaitingBytes: 10_000 });
  const commits = await holdCommits(context, url);
  const first = receive(webhook());
  await commits.reached();
  const second = receive(webhook());
  const refused = await Promise.all([receive(webhook()), receive(webhook())]);
  expect(refused).toEqual(refused.map(() => ({ ok: false, error: { kind: "unavailable" } })));
  await commits.release();
  expect([(await first).ok, (await second).ok]).toEqual([true, true]);
  await idle();
  expect(said).toEqual(["webhook-buffer-full", "webhook-buffer-recovered"]);
  expect((await receive(webhook())).ok).toBe(true);
});
