import { text } from "node:stream/consumers";
import { payload } from "@dossier/simulator";
import { needs, startPostgres, startRedis } from "@dossier/testing";
import { describe, expect, test } from "vitest";
import { createDatabase, holdCommits, ingest, openTestQueue, prepare } from "./harness.ts";
import { openSocket } from "./http.ts";

async function flushAll(port: number): Promise<void> {
  const socket = await openSocket(port);
  socket.end("FLUSHALL\r\n");
  expect(await text(socket)).toBe("+OK\r\n");
}

const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));

describe("a delivery answered 200", () => {
  test("is committed: there is no answer before its commit", async (context) => {
    const { post, get, rows, ownerUrl } = await ingest(context);
    const commits = await holdCommits(context, ownerUrl);
    let answered = false;
    const answer = post(BODY).finally(() => (answered = true));
    await commits.reached();
    await get("/healthz");
    expect(answered).toBe(false);
    await commits.release();
    expect((await answer).status).toBe(200);
    expect(await rows()).toHaveLength(1);
  });

  test("survives FLUSHALL: it is recorded and open", async (context) => {
    needs(context, "redisServer");
    const redis = await startRedis();
    context.onTestFinished(() => redis.stop());
    const { post, pool } = await ingest(context, { REDIS_URL: redis.url });
    const { json } = await post(BODY);
    const queue = openTestQueue(context, redis.url, pool);
    expect((await queue.counts()).waiting).toBe(1);
    await flushAll(redis.port);
    expect((await queue.counts()).waiting).toBe(0);
    const { rows } = await pool.query("select delivery_id from deliveries natural join open_deliveries");
    expect(rows).toEqual([{ delivery_id: json["deliveryId"] }]);
  });

  test("survives kill -9 of Postgres right after its answer", async (context) => {
    const postgres = await startPostgres();
    context.onTestFinished(() => postgres.stop());
    await prepare(postgres.url);
    const { post, rows } = await ingest(context, { DATABASE_URL: postgres.url });
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(BODY)));
    await postgres.kill();
    await postgres.restart();
    const ids = answers.map(({ status, json }) => (status === 200 ? json["deliveryId"] : status));
    const recorded = (await rows()).map(({ delivery_id }) => delivery_id);
    expect(new Set(recorded)).toEqual(new Set(ids));
  });
});

test("a job holds the ids of its deliveries and nothing else", async (context) => {
  const { post, config, pool } = await ingest(context);
  const { json } = await post(BODY);
  const queue = openTestQueue(context, String(config.REDIS_URL), pool);
  const [job] = await (await queue.bullmq()).getJobs("waiting");
  expect(job?.data).toEqual({ deliveryIds: [json["deliveryId"]] });
});

test("without Redis the queue is in Postgres, with the same jobs", async (context) => {
  const { post, pool } = await ingest(context, {
    DATABASE_URL: await createDatabase(context),
    REDIS_URL: undefined,
  });
  const { json } = await post(BODY);
  const { rows } = await pool.query<{ data: string }>("select data::text from bullmq.job");
  expect(rows.map(({ data }) => JSON.parse(data) as unknown)).toEqual([
    { deliveryIds: [json["deliveryId"]] },
  ]);
});
