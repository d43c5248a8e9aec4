import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { LocalServer } from "@dossier/embedded";
import { closePool, isOutage, openPool } from "@dossier/store";
import type { NetworkFault, Proxy } from "@dossier/testing";
import type { ChaosEnvironment } from "./environment.ts";
import { RECOVERY_MS, type Fault } from "./schedule.ts";

/**
 * Injects each fault at its start, or, if an earlier one takes longer than scheduled, when its targets are free.
 * Resolves when the last fault is over. `record` is called with each thing that happens.
 */
export async function injectFaults(
  faults: readonly Fault[],
  environment: ChaosEnvironment,
  record: (event: string) => void,
): Promise<void> {
  const startedAt = performance.now();
  const lastOn = new Map<string, Promise<void>>();
  for (const fault of faults) {
    const free = Promise.all(fault.targets.flatMap((target) => lastOn.get(target) ?? []));
    const recovered = free.then(() => injectAtStart(fault));
    for (const target of fault.targets) lastOn.set(target, recovered);
  }
  await Promise.all(lastOn.values());

  async function injectAtStart(fault: Fault): Promise<void> {
    const waitMs = startedAt + fault.startMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    const name = `${fault.kind} (${fault.targets.join(", ")})`;
    record(`${name} begins${fault.durationMs === 0 ? "" : `, for ${fault.durationMs} ms`}`);
    await inject(fault, environment, record);
    record(`${name} ends`);
    await delay(RECOVERY_MS);
  }
}

async function inject(
  { kind, targets, durationMs }: Fault,
  { postgres, redis, disk, service, link }: ChaosEnvironment,
  record: (event: string) => void,
): Promise<void> {
  const [target = "", ...others] = targets;
  switch (kind) {
    case "ingest-kill":
    case "worker-kill":
      return service(target).kill(durationMs);
    case "ingest-freeze":
    case "worker-freeze":
      return freeze((signal) => service(target).signal(signal), durationMs);
    case "worker-kill-before-ack": {
      // The worker settles deliveries in Postgres, but cannot complete their jobs in Redis.
      const toRedis = link(`${target}>redis`);
      toRedis.apply({ kind: "black-hole" });
      await delay(durationMs);
      await service(target).kill(0);
      return toRedis.restore();
    }
    case "redis-kill":
      return killServer(redis, durationMs);
    case "redis-freeze":
      return freeze((signal) => redis.kill(signal), durationMs);
    case "redis-flush":
      return flushRedis(redis.port);
    case "redis-down-at-start":
      await redis.kill();
      await Promise.all(others.map((name) => service(name).kill(0)));
      await delay(durationMs);
      return redis.restart();
    case "postgres-kill":
      return killServer(postgres, durationMs);
    case "postgres-restart":
      return postgres.restart();
    case "postgres-freeze":
      return freeze((signal) => postgres.kill(signal), durationMs);
    case "postgres-disk-full":
      await disk?.fill();
      await delay(durationMs);
      await disk?.free();
      if (await acceptsWrites(postgres)) return;
      record("postgres is restarted: it had shut itself down");
      return postgres.restart();
    case "link-cut":
      return disturb(link(target), { kind: "cut" }, durationMs);
    case "link-delay":
      return disturb(link(target), { kind: "delay", ms: 300 }, durationMs);
    case "link-half-open":
      return disturb(link(target), { kind: "half-open" }, durationMs);
    case "link-black-hole":
      return disturb(link(target), { kind: "black-hole" }, durationMs);
  }
}

async function freeze(
  send: (signal: "SIGSTOP" | "SIGCONT") => Promise<void>,
  durationMs: number,
): Promise<void> {
  await send("SIGSTOP");
  await delay(durationMs);
  await send("SIGCONT");
}

async function killServer(server: LocalServer, downMs: number): Promise<void> {
  await server.kill();
  await delay(downMs);
  await server.restart();
}

async function disturb(link: Proxy, fault: NetworkFault, durationMs: number): Promise<void> {
  link.apply(fault);
  await delay(durationMs);
  link.restore();
}

async function flushRedis(port: number): Promise<void> {
  const redis = connect(port, "127.0.0.1").setEncoding("utf8");
  redis.write("FLUSHALL\r\n");
  let answer = "";
  // Leaving the loop closes the connection. Redis flushes in the background, and answers no connection closed before.
  for await (const chunk of redis) {
    answer += chunk as string;
    if (answer.endsWith("\r\n")) break;
  }
  if (answer !== "+OK\r\n") throw new Error(`FLUSHALL failed: ${answer || "Redis closed the connection"}`);
}

/** Returns whether Postgres runs and accepts writes: it may shut itself down when its disk is full. */
async function acceptsWrites({ url }: LocalServer): Promise<boolean> {
  const pool = openPool(url, { name: "chaos", size: 1, timeoutMs: 5_000 });
  try {
    await pool.query("create temporary table probe ()");
    return true;
  } catch (error) {
    if (!isOutage(error)) throw error;
    return false;
  } finally {
    await closePool(pool);
  }
}
