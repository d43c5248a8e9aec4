import { Hono } from "hono";
import pTimeout from "p-timeout";
import { describeError } from "./error.ts";
import type { Metrics } from "./metrics.ts";

/** Resolves when what it looks at can be used; rejects with an error that says why not. */
export type Check = () => Promise<unknown>;

export interface ProbesOptions {
  /** What the service cannot work without, by name. While one of these fails it is unready. */
  readonly needs: Readonly<Record<string, Check>>;
  /** What it uses but can do without for a time, by name: shown, and no reason to be unready. */
  readonly uses?: Readonly<Record<string, Check>>;
  readonly metrics: Metrics;
  /** Aborted when the service begins to shut down: from then on it is unready. */
  readonly shutdownSignal: AbortSignal;
  /**
   * How long a check may take before it counts as failed, in milliseconds; all run at once.
   * More forgives a slow database; less answers the prober sooner. Default 1,000.
   */
  readonly checkTimeout?: number;
}

type Report = Readonly<Record<string, string>>;

/**
 * The routes that every service has:
 *
 * - `GET /healthz`: 200 for as long as the process can answer at all;
 * - `GET /readyz`: 200 when it can do its work, else 503; either way with what each check found;
 * - `GET /metrics`: Prometheus text.
 */
export function probes(options: ProbesOptions): Hono {
  const { needs, uses = {}, metrics, shutdownSignal, checkTimeout = 1_000 } = options;
  let running: Promise<Report> | undefined;
  // Probers that come while a round runs share it, so that many of them cost one round.
  const look = () =>
    (running ??= report({ ...uses, ...needs }, checkTimeout).finally(() => {
      running = undefined;
    }));

  return new Hono()
    .get("/healthz", (c) => c.json({ status: "ok" }))
    .get("/readyz", async (c) => {
      c.header("cache-control", "no-store");
      if (shutdownSignal.aborted) return c.json({ status: "shutting down" }, 503);
      const checks = await look();
      return Object.keys(needs).every((name) => checks[name] === "ok")
        ? c.json({ status: "ready", checks })
        : c.json({ status: "unready", checks }, 503);
    })
    .get("/metrics", async (c) =>
      c.body(await metrics.text(), 200, {
        "content-type": "text/plain; version=0.0.4; charset=utf-8",
      }),
    );
}

async function report(checks: Readonly<Record<string, Check>>, timeout: number): Promise<Report> {
  const found = Object.entries(checks).map(async ([name, check]) => {
    try {
      await pTimeout(check(), {
        milliseconds: timeout,
        message: `no answer within ${timeout} ms`,
      });
      return [name, "ok"] as const;
    } catch (error) {
      return [name, describeError(error).message] as const;
    }
  });
  return Object.fromEntries(await Promise.all(found));
}
