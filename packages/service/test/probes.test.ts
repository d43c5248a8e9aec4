import { describe, expect, test } from "vitest";
import { createMetrics, probes, version } from "../src/index.ts";
import { captureLog } from "./fixtures/capture-log.ts";

const metrics = createMetrics("test", captureLog().log);
const succeed = () => Promise.resolve();
const fail = () => Promise.reject(new Error("connection refused"));
const hang = () => new Promise(() => {});

function app(options: Partial<Parameters<typeof probes>[0]>) {
  return probes({ needs: {}, metrics, shutdownSignal: new AbortController().signal, ...options });
}

describe("GET /healthz", () => {
  test("is 200, whatever the checks find", async () => {
    const answer = await app({ needs: { postgres: fail } }).request("/healthz");
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
  });
});

describe("GET /readyz", () => {
  test("is 200 if every need is met", async () => {
    const answer = await app({ needs: { postgres: succeed } }).request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { status: "ready", checks: { postgres: "ok" } },
    ]);
  });

  test("is 503 if a need is not met, and says why", async () => {
    const answer = await app({ needs: { postgres: fail, redis: succeed } }).request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: "unready", checks: { postgres: "connection refused", redis: "ok" } },
    ]);
  });

  test("stays 200 if what the service can do without fails, and says why", async () => {
    const answer = await app({ needs: { postgres: succeed }, uses: { redis: fail } }).request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { status: "ready", checks: { postgres: "ok", redis: "connection refused" } },
    ]);
  });

  test("counts a check that does not answer in time as failed", async () => {
    const answer = await app({ needs: { postgres: hang, redis: succeed }, checkTimeoutMs: 5 }).request(
      "/readyz",
    );
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: "unready", checks: { postgres: "no answer within 5 ms", redis: "ok" } },
    ]);
  });

  test("counts a check that throws synchronously as failed", async () => {
    const broken = () => {
      throw new Error("no pool");
    };
    const answer = await app({ needs: { postgres: broken } }).request("/readyz");
    expect(await answer.json()).toMatchObject({ checks: { postgres: "no pool" } });
  });

  test("runs one check for a hundred concurrent probes, and another for the next probe", async () => {
    let checks = 0;
    const routes = app({ needs: { postgres: async () => (checks += 1) } });
    await Promise.all(Array.from({ length: 100 }, async () => routes.request("/readyz")));
    expect(checks).toBe(1);
    await routes.request("/readyz");
    expect(checks).toBe(2);
  });

  test("is 503 once the service begins to shut down, while GET /healthz stays 200", async () => {
    const shutdownSignal = new AbortController();
    const routes = app({ needs: { postgres: succeed }, shutdownSignal: shutdownSignal.signal });
    expect((await routes.request("/readyz")).status).toBe(200);
    shutdownSignal.abort();
    const answer = await routes.request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([503, { status: "shutting down" }]);
    expect((await routes.request("/healthz")).status).toBe(200);
  });
});

describe("GET /metrics", () => {
  test("is Prometheus text of the process's metrics and of the service's own", async () => {
    metrics.meter.createCounter("dossier_deliveries_total").add(2, { outcome: "accepted" });
    const answer = await app({}).request("/metrics");
    const text = await answer.text();
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text).toContain(`dossier_deliveries_total{outcome="accepted"} 2\n`);
    expect(text).toContain(`dossier_build_info{service="test",version="${version}",node="`);
    for (const name of [
      "process_uptime_seconds",
      "process_resident_memory_bytes",
      "process_cpu_seconds_total",
      "nodejs_heap_size_used_bytes",
      "nodejs_eventloop_lag_p99_seconds",
    ]) {
      expect(text).toMatch(new RegExp(`^${name} [0-9.e-]+$`, "m"));
    }
    expect(text.endsWith("\n")).toBe(true);
  });

  test("leaves out a metric that cannot be observed, and logs it", async () => {
    const { log, lines } = captureLog();
    const { meter, text } = createMetrics("test", log);
    meter
      .createObservableGauge("dossier_open_deliveries")
      .addCallback(() => Promise.reject(new Error("connection refused")));
    expect(await text()).toContain("process_uptime_seconds");
    expect(lines()).toMatchObject([
      { level: "warn", code: "metric-not-observed", err: { message: "connection refused" } },
    ]);
  });
});
