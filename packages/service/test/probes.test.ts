import { describe, expect, test } from "vitest";
import { createLogger, createMetrics, probes, version } from "../src/index.ts";

const log = createLogger({ service: "test", level: "silent" });
const metrics = createMetrics("test", log);
const well = () => Promise.resolve();
const refused = () => Promise.reject(new Error("connection refused"));
const never = () => new Promise(() => {});

function app(options: Partial<Parameters<typeof probes>[0]>) {
  return probes({ needs: {}, metrics, shutdownSignal: new AbortController().signal, ...options });
}

describe("GET /healthz", () => {
  test("says ok, whatever the checks say", async () => {
    const answer = await app({ needs: { postgres: refused } }).request("/healthz");
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
  });
});

describe("GET /readyz", () => {
  test("is 200 when every need is met", async () => {
    const answer = await app({ needs: { postgres: well } }).request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { status: "ready", checks: { postgres: "ok" } },
    ]);
  });

  test("is 503 and says which need is not met, and why", async () => {
    const answer = await app({ needs: { postgres: refused, redis: well } }).request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: "unready", checks: { postgres: "connection refused", redis: "ok" } },
    ]);
  });

  test("shows what the service can do without, and stays ready", async () => {
    const answer = await app({ needs: { postgres: well }, uses: { redis: refused } }).request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { status: "ready", checks: { postgres: "ok", redis: "connection refused" } },
    ]);
  });

  test("waits for a silent check no longer than it may take", async () => {
    const answer = await app({ needs: { postgres: never, redis: well }, checkTimeout: 5 }).request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: "unready", checks: { postgres: "no answer within 5 ms", redis: "ok" } },
    ]);
  });

  test("a check that throws at once is a failed check", async () => {
    const broken = () => {
      throw new Error("no pool");
    };
    const answer = await app({ needs: { postgres: broken } }).request("/readyz");
    expect(await answer.json()).toMatchObject({ checks: { postgres: "no pool" } });
  });

  test("a hundred probers at once cost one check, and the next one a new check", async () => {
    let checks = 0;
    const routes = app({ needs: { postgres: async () => (checks += 1) } });
    await Promise.all(Array.from({ length: 100 }, async () => routes.request("/readyz")));
    expect(checks).toBe(1);
    await routes.request("/readyz");
    expect(checks).toBe(2);
  });

  test("is 503 from the moment the service begins to shut down", async () => {
    const shutdownSignal = new AbortController();
    const routes = app({ needs: { postgres: well }, shutdownSignal: shutdownSignal.signal });
    expect((await routes.request("/readyz")).status).toBe(200);
    shutdownSignal.abort();
    const answer = await routes.request("/readyz");
    expect([answer.status, await answer.json()]).toEqual([503, { status: "shutting down" }]);
    expect((await routes.request("/healthz")).status).toBe(200);
  });
});

describe("GET /metrics", () => {
  test("is Prometheus text of the process and of the service's own instruments", async () => {
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

  test("an instrument that cannot be observed is logged and leaves the others standing", async () => {
    const lines: string[] = [];
    const noted = createLogger({
      service: "test",
      level: "warn",
      destination: { write: (line) => lines.push(line) },
    });
    const { meter, text } = createMetrics("test", noted);
    meter
      .createObservableGauge("dossier_open_deliveries")
      .addCallback(() => Promise.reject(new Error("connection refused")));
    expect(await text()).toContain("process_uptime_seconds");
    expect(lines).toEqual([expect.stringContaining("connection refused")]);
  });
});
