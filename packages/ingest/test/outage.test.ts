import { startPostgres } from "@dossier/embedded";
import { freePort } from "@dossier/embedded";
import { payload } from "@dossier/simulator";
import { needs, startProxy, startRedis } from "@dossier/testing";
import { describe, expect, test } from "vitest";
import { ingest, openedQueue, prepare, type Ingest } from "./harness.ts";

const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));

const told = ({ lines }: Ingest, what: string) =>
  lines().flatMap(({ level, code }) => (code?.startsWith(what) ? [`${level}: ${code}`] : []));
const trouble = (what: string) => `error: ${what}-unavailable`;
const works = (what: string) => `info: ${what}-recovered`;

async function metric({ get }: Ingest, name: string): Promise<number> {
  const { text } = await get("/metrics");
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(name))
      ?.split(" ")
      .at(-1) ?? 0,
  );
}

describe("while Redis", () => {
  test("is down at boot, webhooks are recorded and answered; once it is there, they get jobs, and each is said once", async (context) => {
    await needs(context, "redisServer");
    const port = await freePort();
    const service = await ingest(context, { REDIS_URL: `redis://127.0.0.1:${port}` });
    for (let n = 0; n < 5; n++) expect((await service.post(BODY)).status).toBe(200);
    expect(await service.rows()).toHaveLength(5);
    expect(await metric(service, "dossier_deliveries_not_enqueued_total")).toBe(5);
    expect(told(service, "queue")).toEqual([trouble("queue")]);
    const ready = await service.get("/readyz");
    expect([ready.status, ready.json["status"]]).toEqual([200, "ready"]);

    const redis = await startRedis({ port });
    context.onTestFinished(() => redis.stop());
    await expect
      .poll(async () => {
        await service.post(BODY);
        return told(service, "queue");
      })
      .toEqual([trouble("queue"), works("queue")]);
    const queue = openedQueue(context, redis.url);
    expect((await queue.counts()).waiting).toBeGreaterThan(0);
  });

  test("takes no answer from anyone, webhooks are answered within the bounded wait, and it mends by itself", async (context) => {
    await needs(context, "redisServer");
    const redis = await startRedis();
    context.onTestFinished(() => redis.stop());
    const proxy = await startProxy({ target: redis.url });
    context.onTestFinished(() => proxy.close());
    const service = await ingest(context, { REDIS_URL: proxy.url }, { queueTimeoutMs: 1_000 });
    expect((await service.post(BODY)).status).toBe(200);

    proxy.apply({ kind: "black-hole" });
    const answers = await Promise.all(Array.from({ length: 10 }, () => service.post(BODY)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await service.rows()).toHaveLength(11);
    expect(told(service, "queue")).toEqual([trouble("queue")]);

    proxy.restore();
    const queue = openedQueue(context, redis.url);
    const before = (await queue.counts()).waiting;
    await expect
      .poll(async () => {
        await service.post(BODY);
        return told(service, "queue");
      })
      .toEqual([trouble("queue"), works("queue")]);
    expect((await queue.counts()).waiting).toBeGreaterThan(before);
  });
});

describe("while Postgres", () => {
  test("is down, webhooks are answered 503 and when to come back; it recovers by itself, and each is said once", async (context) => {
    const postgres = await startPostgres();
    context.onTestFinished(() => postgres.stop());
    await prepare(postgres.url);
    const service = await ingest(context, { DATABASE_URL: postgres.url });
    expect((await service.post(BODY)).status).toBe(200);

    await postgres.kill();
    for (let n = 0; n < 5; n++) {
      const { status, headers, json } = await service.post(BODY);
      expect([status, headers["content-type"], headers["retry-after"]]).toEqual([
        503,
        "application/problem+json",
        "5",
      ]);
      expect(json).toMatchObject({ status: 503, code: "unavailable" });
    }
    expect((await service.get("/readyz")).status).toBe(503);
    expect((await service.get("/healthz")).status).toBe(200);
    expect(told(service, "postgres")).toEqual([trouble("postgres")]);
    expect(await metric(service, 'dossier_webhooks_total{answer="unavailable"}')).toBe(5);

    await postgres.restart();
    await expect.poll(async () => (await service.post(BODY)).status).toBe(200);
    await expect.poll(async () => (await service.get("/readyz")).status).toBe(200);
    expect(told(service, "postgres")).toEqual([trouble("postgres"), works("postgres")]);
  });

  test("is down at boot, ingest starts all the same and is unready until it is there", async (context) => {
    const postgres = await startPostgres();
    context.onTestFinished(() => postgres.stop());
    await prepare(postgres.url);
    await postgres.kill();
    const service = await ingest(context, { DATABASE_URL: postgres.url });
    expect((await service.get("/readyz")).status).toBe(503);
    expect((await service.post(BODY)).status).toBe(503);
    await postgres.restart();
    await expect.poll(async () => (await service.get("/readyz")).status).toBe(200);
    expect((await service.post(BODY)).status).toBe(200);
  });
});
