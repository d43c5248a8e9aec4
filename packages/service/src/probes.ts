import { Hono, type Context } from "hono";
import pTimeout from "p-timeout";
import { describeError } from "./error.ts";

/** Resolves if what it checks can be used; rejects with the reason if it cannot. */
export type Check = () => Promise<unknown>;

export interface Checks {
  /** What the service cannot work without, by name. If one of these fails, the service is not ready. */
  readonly needs: Readonly<Record<string, Check>>;
  /** What the service can do without for a time, by name. These are shown, and do not change readiness. */
  readonly uses?: Readonly<Record<string, Check>>;
  /**
   * How long a check may take before it fails, in milliseconds; all checks run at the same time. More tolerates a slower
   * database; less answers the probe sooner. Default 1,000.
   */
  readonly timeoutMs?: number;
}

export interface Readiness {
  readonly status: "ready" | "unready" | "starting" | "shutting down";
  /** By check: `ok`, or why it failed. */
  readonly checks?: Readonly<Record<string, string>>;
}

/**
 * Returns a function that says whether a service can do its work. Probes that arrive while checks run share them, so
 * that many probes cost no more than one.
 *
 * @param drainSignal aborted when the service shall get no more work; from then on it is not ready
 */
export function createReadiness(
  { needs, uses = {}, timeoutMs = 1_000 }: Checks,
  drainSignal: AbortSignal,
): () => Promise<Readiness> {
  let running: Promise<Readiness> | undefined;

  async function check(): Promise<Readiness> {
    const checks = await runChecks({ ...uses, ...needs }, timeoutMs);
    const ready = Object.keys(needs).every((name) => checks[name] === "ok");
    return { status: ready ? "ready" : "unready", checks };
  }

  return async () => {
    if (drainSignal.aborted) return { status: "shutting down" };
    return (running ??= check().finally(() => (running = undefined)));
  };
}

/**
 * Returns the probes of a port that strangers may reach: `GET /healthz`, 200 while the process lives, and `GET /readyz`,
 * 200 or 503. The reasons are for those who run the service, on its ops port.
 */
export function publicProbes(readiness: () => Promise<Readiness>): Hono {
  return new Hono()
    .get("/healthz", answerHealth)
    .get("/readyz", async (c) => answerReadiness(c, { status: (await readiness()).status }));
}

export function answerHealth(c: Context): Response {
  return c.json({ status: "ok" });
}

export function answerReadiness(c: Context, readiness: Readiness): Response {
  c.header("cache-control", "no-store");
  return c.json(readiness, readiness.status === "ready" ? 200 : 503);
}

async function runChecks(
  checks: Readonly<Record<string, Check>>,
  milliseconds: number,
): Promise<Record<string, string>> {
  const results = Object.entries(checks).map(async ([name, check]) => {
    try {
      await pTimeout(check(), { milliseconds, message: `no answer within ${milliseconds} ms` });
      return [name, "ok"] as const;
    } catch (error) {
      return [name, describeError(error).message] as const;
    }
  });
  return Object.fromEntries(await Promise.all(results));
}
