import { freePort } from "@dossier/embedded";
import { payload } from "@dossier/simulator";
import { needs, startPostgres, startProxy, startRedis, waitFor, type LocalServer } from "@dossier/testing";
import { afterEach, beforeAll, describe, expect, test, type TestContext } from "vitest";
import { ingest, openTestQueue, prepare, type Ingest } from "./harness.ts";

const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));

/** Returns the codes of the outages that were logged so far. */
function outages({ lines }: Ingest): string[] {
  return lines().flatMap(({ code }) =>
    code !== undefined && /-(unavailable|recovered)$/.test(code) ? code : [],
  );
}

function postTimes({ post }: Ingest, times: number) {
  return Promise.all(Array.from({ length: times }, () => post(BODY)));
}

/** Posts webhooks until ingest logs a line with this code. */
async function postUntilLogged({ post, lines }: Ingest, code: string): Promise<void> {
  await waitFor(async () => {
    await post(BODY);
    return lines().some((line) => line.code === code);
  });
}

async function readMetric({ getOps }: Ingest, name: string): Promise<number> {
  const { text } = await getOps("/metrics");
  const line = text.split("\n").find((line) => line.startsWith(name));
  return Number(line?.split(" ").at(-1) ?? 0);
}

describe("while Redis is down", () => {
  async function ingestWithoutRedis(context: TestContext) {
    needs(context, "redisServer");
    const port = await freePort();
    const service = await ingest(context, { REDIS_URL: `redis://127.0.0.1:${port}` });
    return { service, port };
  }

  test("webhooks are recorded and answered 200, and ingest is ready", async (context) => {
    const { service } = await ingestWithoutRedis(context);
    const answers = await postTimes(service, 5);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await service.rows()).toHaveLength(5);
    expect(await readMetric(service, "dossier_deliveries_not_enqueued_total")).toBe(5);
    expect(await service.get("/readyz")).toMatchObject({ status: 200, json: { status: "ready" } });
    expect(outages(service)).toEqual(["queue-unavailable"]);
  });

  test("it may come up later: then webhooks get jobs, and the recovery is logged", async (context) => {
    const { service, port } = await ingestWithoutRedis(context);
    await service.post(BODY);
    const redis = await startRedis({ port });
    context.onTestFinished(() => redis.stop());
    await postUntilLogged(service, "queue-recovered");
    expect(outages(service)).toEqual(["queue-unavailable", "queue-recovered"]);
    expect((await openTestQueue(context, redis.url, service.pool).counts()).waiting).toBeGreaterThan(0);
  });
});

describe("while Redis does not answer", () => {
  async function ingestOnSilentRedis(context: TestContext) {
    needs(context, "redisServer");
    const redis = await startRedis();
    context.onTestFinished(() => redis.stop());
    const proxy = await startProxy({ target: redis.url });
    context.onTestFinished(() => proxy.close());
    const service = await ingest(context, { REDIS_URL: proxy.url }, { queueTimeoutMs: 1_000 });
    expect((await service.post(BODY)).status).toBe(200);
    proxy.apply({ kind: "black-hole" });
    return { service, redis, proxy };
  }

  test("webhooks are recorded and answered 200 all the same", async (context) => {
    const { service } = await ingestOnSilentRedis(context);
    const answers = await postTimes(service, 10);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await service.rows()).toHaveLength(11);
    expect(outages(service)).toEqual(["queue-unavailable"]);
  });

  test("webhooks get jobs again once it answers, and the recovery is logged", async (context) => {
    const { service, redis, proxy } = await ingestOnSilentRedis(context);
    await service.post(BODY);
    const queue = openTestQueue(context, redis.url, service.pool);
    const { waiting } = await queue.counts();
    proxy.restore();
    await postUntilLogged(service, "queue-recovered");
    expect(outages(service)).toEqual(["queue-unavailable", "queue-recovered"]);
    expect((await queue.counts()).waiting).toBeGreaterThan(waiting);
  });
});

describe("while Postgres is down", () => {
  let postgres: LocalServer;
  beforeAll(async () => {
    postgres = await startPostgres();
    await prepare(postgres.url);
    return () => postgres.stop();
  });
  afterEach(() => postgres.restart());

  test("webhooks are answered 503 with Retry-After, and ingest is not ready", async (context) => {
    const service = await ingest(context, { DATABASE_URL: postgres.url });
    expect((await service.post(BODY)).status).toBe(200);
    await postgres.kill();
    for (const { status, headers, json } of await postTimes(service, 5)) {
      expect([status, headers["content-type"]]).toEqual([503, "application/problem+json"]);
      expect([json["code"], headers["retry-after"]]).toEqual(["unavailable", "5"]);
    }
    expect(await readMetric(service, 'dossier_webhooks_total{answer="unavailable"}')).toBe(5);
    expect(await service.get("/readyz")).toMatchObject({ status: 503, text: '{"status":"unready"}' });
    expect((await service.get("/metrics")).status).toBe(404);
    expect(await service.getOps("/readyz")).toMatchObject({
      status: 503,
      json: { status: "unready", checks: { postgres: expect.not.stringMatching(/^ok$/), queue: "ok" } },
    });
    expect((await service.get("/healthz")).status).toBe(200);
    expect(outages(service)).toEqual(["postgres-unavailable"]);
  });

  test("ingest recovers by itself, and logs the outage and its end once", async (context) => {
    const service = await ingest(context, { DATABASE_URL: postgres.url });
    expect((await service.post(BODY)).status).toBe(200);
    await postgres.kill();
    // A process of the killed server may commit once more before it ends.
    await waitFor(
      () => service.post(BODY),
      ({ status }) => status === 503,
    );
    for (let n = 0; n < 5; n++) expect((await service.post(BODY)).status).toBe(503);
    await postgres.restart();
    await waitFor(
      () => service.post(BODY),
      ({ status }) => status === 200,
    );
    await waitFor(
      () => service.get("/readyz"),
      ({ status }) => status === 200,
    );
    expect(outages(service)).toEqual(["postgres-unavailable", "postgres-recovered"]);
  });

  test("ingest starts, and is ready once Postgres is up", async (context) => {
    await postgres.kill();
    const service = await ingest(context, { DATABASE_URL: postgres.url });
    expect((await service.get("/readyz")).status).toBe(503);
    expect((await service.post(BODY)).status).toBe(503);
    await postgres.restart();
    await waitFor(
      () => service.get("/readyz"),
      ({ status }) => status === 200,
    );
    expect((await service.post(BODY)).status).toBe(200);
  });
});

test("ingest is not ready until each migration of its version has run, and says which is missing", async (context) => {
  const service = await ingest(context, { REDIS_URL: undefined });
  expect((await service.get("/readyz")).status).toBe(200);
  await service.pool.query("update migrations set name = 'of-another-version' where name like '0016%'");
  expect((await service.get("/readyz")).status).toBe(503);
  expect(await service.getOps("/readyz")).toMatchObject({
    json: { checks: { postgres: expect.stringContaining("dossier migrate` (0016_worklist)") as string } },
  });
  await service.pool.query("insert into migrations (name, run_on) values ('0016_worklist', now())");
  expect((await service.get("/readyz")).status).toBe(200);
});

test("a serialization failure is retried, answered 200, and not logged as an outage", async (context) => {
  const service = await ingest(context);
  // A sequence is not rolled back.
  await service.pool.query(`
    create sequence inserts;
    grant usage on inserts to public;
    create function conflict_once() returns trigger language plpgsql as $$
    begin
      if nextval('public.inserts') = 1 then raise serialization_failure; end if;
      return null;
    end $$;
    create trigger conflict_once before insert on deliveries for each statement execute function conflict_once()`);
  expect((await service.post(BODY)).status).toBe(200);
  expect((await service.pool.query("select last_value::int as inserts from inserts")).rows).toEqual([
    { inserts: 2 },
  ]);
  expect(outages(service)).toEqual([]);
});
