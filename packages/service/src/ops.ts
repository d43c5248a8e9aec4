import { Hono } from "hono";
import type { Logger } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import {
  answerHealth,
  answerReadiness,
  createReadiness,
  publicProbes,
  type Checks,
  type Readiness,
} from "./probes.ts";
import { answerOptions, notFound, onError } from "./problem.ts";
import type { Result } from "./run.ts";
import { serve } from "./serve.ts";

export interface OpsOptions {
  /** The name of the process, in its metrics. */
  readonly service: string;
  readonly OPS_PORT: number;
  readonly OPS_HOST: string;
  readonly log: Logger;
  /** Aborted when the process shall get no more work; from then on it is not ready. */
  readonly drainSignal: AbortSignal;
}

/** What a process shows to those who run it, on a port that is never published. */
export interface Ops {
  readonly port: number;
  readonly metrics: Metrics;
  /** Adds a service of this process to `/readyz`. Returns the probes of the service's own port, which show no reasons. */
  addService(name: string, checks: Checks): Hono;
  close(): Promise<void>;
}

/**
 * Serves on the ops port, for all services of this process:
 *
 * - `GET /healthz`: 200 while the process lives;
 * - `GET /readyz`: 200 if every service can do its work, else 503; either way with the result of each check;
 * - `GET /metrics`: Prometheus text.
 */
export async function serveOps({
  service,
  OPS_PORT,
  OPS_HOST,
  log,
  drainSignal,
}: OpsOptions): Promise<Result<Ops>> {
  const metrics = createMetrics(service);
  const services = new Map<string, () => Promise<Readiness>>();
  const app = new Hono()
    .options("*", answerOptions("GET, HEAD"))
    .get("/healthz", answerHealth)
    .get("/readyz", async (c) => answerReadiness(c, await readinessOfAll(services)))
    .get("/metrics", async (c) =>
      c.body(await metrics.text(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
    )
    .notFound(notFound)
    .onError(onError(log));
  const server = await serve(app, { port: OPS_PORT, host: OPS_HOST, variable: "OPS_PORT" });
  if (!server.ok) return server;
  const { port, close } = server.value;
  return {
    ok: true,
    value: {
      port,
      metrics,
      addService(name, checks) {
        const readiness = createReadiness(checks, drainSignal);
        services.set(name, readiness);
        return publicProbes(readiness);
      },
      close: () => close(),
    },
  };
}

/** Where a process has several services, the name of each check begins with its service's. */
async function readinessOfAll(services: ReadonlyMap<string, () => Promise<Readiness>>): Promise<Readiness> {
  const all = await Promise.all(
    Array.from(services, async ([name, readiness]) => ({ name, ...(await readiness()) })),
  );
  const [first] = all;
  if (first === undefined) return { status: "starting" };
  const { status } = all.find((service) => service.status !== "ready") ?? first;
  const checks: Record<string, string> = {};
  for (const { name, checks: own = {} } of all) {
    for (const [check, result] of Object.entries(own)) {
      checks[all.length === 1 ? check : `${name}.${check}`] = result;
    }
  }
  return { status, ...(Object.keys(checks).length > 0 && { checks }) };
}
