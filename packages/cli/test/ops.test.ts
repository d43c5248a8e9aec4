import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { startAll } from "./services.ts";

test("one ops port has the metrics and the readiness of all services of up", async () => {
  const { opsPort } = await startAll();
  const get = (path: string) => fetch(`http://127.0.0.1:${opsPort}${path}`);
  const readiness = await waitFor(
    () => get("/readyz"),
    ({ status }) => expect(status).toBe(200),
  );
  expect(await readiness.json()).toEqual({
    status: "ready",
    checks: {
      "ingest.postgres": "ok",
      "ingest.queue": "ok",
      "ingest.eviction": "ok",
      "worker.postgres": "ok",
      "worker.queue": "ok",
      "worker.jobs": "ok",
      "worker.eviction": "ok",
      "worker.rebuild": "ok",
      "console.postgres": "ok",
      "console.queue": "ok",
      "console.eviction": "ok",
    },
  });
  const metrics = await (await get("/metrics")).text();
  const families = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(families).toEqual(
    expect.arrayContaining(["dossier_worker_paused_seconds", "process_uptime_seconds"]),
  );
  expect(new Set(families).size).toBe(families.length);
});
