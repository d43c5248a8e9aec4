import { afterEach, describe, expect, test } from "vitest";
import { serveOps, version, type Check, type Ops } from "../src/index.ts";
import { createMetrics } from "../src/metrics.ts";
import { testLogger } from "./fixtures/test-logger.ts";

const succeed = () => Promise.resolve();
const fail = () => Promise.reject(new Error("no answer from 10.0.0.7"));
const hang = () => new Promise(() => {});

const open: Ops[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((ops) => ops.close()));
});

async function startOps() {
  const { log, lines } = testLogger("debug");
  const drain = new AbortController();
  const started = await serveOps({
    service: "test",
    OPS_PORT: 0,
    OPS_HOST: "127.0.0.1",
    log,
    drainSignal: drain.signal,
  });
  if (!started.ok) throw new Error(started.error);
  open.push(started.value);
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${started.value.port}${path}`);
    return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() };
  };
  return {
    ...started.value,
    lines,
    drain: () => drain.abort(),
    get,
    async ready() {
      const { status, text } = await get("/readyz");
      return [status, JSON.parse(text)] as const;
    },
  };
}

describe("GET /healthz", () => {
  test("is 200 on both ports, whatever the checks find", async () => {
    const { addService, get } = await startOps();
    const routes = addService("test", { needs: { postgres: fail } });
    expect(await get("/healthz")).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect((await routes.request("/healthz")).status).toBe(200);
  });
});

describe("GET /readyz", () => {
  test.each<[string, Record<string, Check>, Record<string, Check>, number, unknown]>([
    ["every need is met", { postgres: succeed }, {}, 200, { status: "ready", checks: { postgres: "ok" } }],
    [
      "a need is not met",
      { postgres: fail, redis: succeed },
      {},
      503,
      { status: "unready", checks: { postgres: "no answer from 10.0.0.7", redis: "ok" } },
    ],
    [
      "only what the service can do without fails",
      { postgres: succeed },
      { redis: fail },
      200,
      { status: "ready", checks: { postgres: "ok", redis: "no answer from 10.0.0.7" } },
    ],
    [
      "a check does not answer in time",
      { postgres: hang, redis: succeed },
      {},
      503,
      { status: "unready", checks: { postgres: "no answer within 5 ms", redis: "ok" } },
    ],
    [
      "a check throws synchronously",
      {
        postgres: () => {
          throw new Error("no pool");
        },
      },
      {},
      503,
      { status: "unready", checks: { postgres: "no pool" } },
    ],
  ])("if %s, says so with the reasons on the ops port alone", async (_case, needs, uses, status, details) => {
    const { addService, ready } = await startOps();
    const routes = addService("test", { needs, uses, timeoutMs: 5 });
    expect(await ready()).toEqual([status, details]);
    const answer = await routes.request("/readyz");
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ status: status === 200 ? "ready" : "unready" });
  });

  test("is 503 until there is a service, and while one of several is not ready", async () => {
    const { addService, ready } = await startOps();
    expect(await ready()).toEqual([503, { status: "starting" }]);
    addService("ingest", { needs: { postgres: succeed } });
    const console = addService("console", { needs: { postgres: fail } });
    expect(await ready()).toEqual([
      503,
      {
        status: "unready",
        checks: { "ingest.postgres": "ok", "console.postgres": "no answer from 10.0.0.7" },
      },
    ]);
    expect((await console.request("/readyz")).status).toBe(503);
  });

  test("runs one check for a hundred concurrent probes, and another for the next probe", async () => {
    const { addService, ready } = await startOps();
    let checks = 0;
    const gate = Promise.withResolvers<void>();
    const routes = addService("test", {
      needs: { postgres: () => ((checks += 1), gate.promise) },
      timeoutMs: 60_000,
    });
    const probes = Promise.all(Array.from({ length: 100 }, async () => routes.request("/readyz")));
    gate.resolve();
    await probes;
    expect(checks).toBe(1);
    await ready();
    expect(checks).toBe(2);
  });

  test("is 503 once the process drains, while GET /healthz stays 200", async () => {
    const { addService, ready, get, drain } = await startOps();
    const routes = addService("test", { needs: { postgres: succeed } });
    expect((await routes.request("/readyz")).status).toBe(200);
    drain();
    const answer = await routes.request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([503, { status: "shutting down" }]);
    expect(await ready()).toEqual([503, { status: "shutting down" }]);
    expect((await get("/healthz")).status).toBe(200);
  });
});

describe("GET /metrics", () => {
  test("is Prometheus text of the process's metrics and of the service's own, on the ops port alone", async () => {
    const { addService, metrics, get } = await startOps();
    metrics.meter.createCounter("dossier_webhooks_total").add(2, { answer: "accepted" });
    const { type, text } = await get("/metrics");
    expect(type).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text).toContain(`dossier_webhooks_total{answer="accepted"} 2\n`);
    expect(text).toContain(`dossier_build_info{service="test",version="${version}",node="`);
    for (const name of [
      "process_uptime_seconds",
      "process_resident_memory_bytes",
      "process_cpu_seconds_total",
      "nodejs_heap_size_used_bytes",
      "nodejs_eventloop_lag_p99_seconds",
      "dossier_metrics_not_observed",
    ]) {
      expect(text).toMatch(new RegExp(`^${name} [0-9.e-]+$`, "m"));
    }
    expect(text.endsWith("\n")).toBe(true);
    expect((await addService("test", { needs: {} }).request("/metrics")).status).toBe(404);
  });

  test("is text that Prometheus can parse: each family once, each sample below its type", async () => {
    const { metrics, get } = await startOps();
    metrics.meter
      .createCounter("dossier_deliveries_total", { description: 'Odd: \\ " \n.' })
      .add(2, { a: 'b"\n\\' });
    metrics.meter.createHistogram("dossier_seconds").record(1);
    const { text } = await get("/metrics");
    const families = [...text.matchAll(/^# TYPE (\S+) (?:counter|gauge|histogram)$/gm)].map(
      ([, name]) => name,
    );
    expect(new Set(families).size).toBe(families.length);
    let family = "";
    for (const line of text.trimEnd().split("\n")) {
      family = /^# TYPE (\S+)/.exec(line)?.[1] ?? family;
      if (line.startsWith("#")) continue;
      expect(line).toMatch(/^[a-z0-9_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\})? [0-9.e+-]+$/);
      expect(line).toMatch(new RegExp(`^${family}(_bucket|_sum|_count)?[{ ]`));
    }
  });

  test("is one collection for all who ask at once, and another for the next", async () => {
    const { metrics, get } = await startOps();
    let collections = 0;
    const gate = Promise.withResolvers<void>();
    metrics.meter.createObservableGauge("dossier_open_deliveries").addCallback(async (gauge) => {
      collections += 1;
      await gate.promise;
      gauge.observe(7);
    });
    const scrapes = Promise.all(Array.from({ length: 300 }, () => metrics.text()));
    gate.resolve();
    expect(new Set(await scrapes).size).toBe(1);
    expect(collections).toBe(1);
    expect((await get("/metrics")).text).toContain("dossier_open_deliveries 7\n");
    expect(collections).toBe(2);
  });

  test("leaves out what cannot be observed, says why and how many, and logs nothing", async () => {
    const { metrics, get, lines } = await startOps();
    metrics.meter.createObservableGauge("dossier_open_deliveries").addCallback(fail);
    const { text } = await get("/metrics");
    expect(text).toContain("process_uptime_seconds");
    expect(text).not.toContain("\ndossier_open_deliveries");
    expect(text).toMatch(/^# not observed: no answer from 10.0.0.7$/m);
    expect(text).toMatch(/^dossier_metrics_not_observed 1$/m);
    expect(lines()).toEqual([]);
  });

  test("writes no line of its own for the reason of an error", async () => {
    const { meter, text } = createMetrics("test");
    meter
      .createObservableGauge("dossier_open_deliveries")
      .addCallback(() => Promise.reject(new Error("first\nforged_metric 1")));
    expect(await text()).not.toMatch(/^forged_metric/m);
  });
});

test("an ops port in use is an error that names its variable", async () => {
  const { port } = await startOps();
  const again = await serveOps({
    service: "test",
    OPS_PORT: port,
    OPS_HOST: "127.0.0.1",
    log: testLogger().log,
    drainSignal: new AbortController().signal,
  });
  expect(again).toEqual({
    ok: false,
    error: `Port ${port} is in use: stop what listens there, or set OPS_PORT to another.`,
  });
});
