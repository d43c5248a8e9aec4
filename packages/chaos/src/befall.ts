import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { LocalServer } from "@dossier/embedded";
import { isOutage, openPool } from "@dossier/store";
import type { Fault as LinkFault, Proxy } from "@dossier/testing";
import type { Fault } from "./plan.ts";
import type { Service } from "./service.ts";
import type { Stage } from "./stage.ts";

/** Lets a fault befall its targets; resolves when it is over. `note` is told what it came to besides. */
export async function befall(
  { kind, targets, lastsMs }: Fault,
  stage: Stage,
  note: (what: string) => void,
): Promise<void> {
  const { postgres, redis, disk } = stage;
  const [target = ""] = targets;
  switch (kind) {
    case "ingest killed":
    case "worker killed":
      return service(stage, target).kill(lastsMs);
    case "ingest frozen":
    case "worker frozen":
      return frozen(service(stage, target), lastsMs);
    case "worker killed before its jobs' ends are told": {
      const toRedis = link(stage, `${target}>redis`);
      toRedis.apply({ kind: "black-hole" });
      await delay(lastsMs);
      await service(stage, target).kill(0);
      return toRedis.restore();
    }
    case "redis killed":
      return away(redis, lastsMs);
    case "redis frozen":
      return frozenServer(redis, lastsMs);
    case "redis flushed":
      return flush(redis.port);
    case "redis away while services boot": {
      await redis.kill();
      const [, ...services] = targets;
      await Promise.all(services.map((name) => service(stage, name).kill(0)));
      await delay(lastsMs);
      return redis.restart();
    }
    case "postgres killed, then recovering":
      return away(postgres, lastsMs);
    case "postgres restarted":
      return postgres.restart();
    case "postgres frozen":
      return frozenServer(postgres, lastsMs);
    case "postgres' disk full": {
      await disk?.fill();
      await delay(lastsMs);
      await disk?.free();
      if (await answers(postgres)) return;
      note("Postgres had ended itself, and is started again");
      return postgres.restart();
    }
    case "link cut":
      return disturbed(link(stage, target), { kind: "cut" }, lastsMs);
    case "link delayed":
      return disturbed(link(stage, target), { kind: "delay", ms: 300 }, lastsMs);
    case "link half-open":
      return disturbed(link(stage, target), { kind: "half-open" }, lastsMs);
    case "link black-holed":
      return disturbed(link(stage, target), { kind: "black-hole" }, lastsMs);
  }
}

async function frozen(target: Service, lastsMs: number): Promise<void> {
  target.signal("SIGSTOP");
  await delay(lastsMs);
  target.signal("SIGCONT");
}

async function frozenServer(server: LocalServer, lastsMs: number): Promise<void> {
  await server.kill("SIGSTOP");
  await delay(lastsMs);
  await server.kill("SIGCONT");
}

async function away(server: LocalServer, lastsMs: number): Promise<void> {
  await server.kill();
  await delay(lastsMs);
  await server.restart();
}

async function disturbed(proxy: Proxy, fault: LinkFault, lastsMs: number): Promise<void> {
  proxy.apply(fault);
  await delay(lastsMs);
  proxy.restore();
}

async function flush(port: number): Promise<void> {
  const redis = connect(port, "127.0.0.1").setEncoding("utf8");
  redis.write("FLUSHALL\r\n");
  let answer = "";
  // Hangs up only when answered: a Redis that flushes in the background may not answer who has hung up before.
  for await (const part of redis) {
    answer += part as string;
    if (answer.endsWith("\r\n")) break;
  }
  if (answer !== "+OK\r\n") throw new Error(`Redis was not flushed: ${answer || "it closed the connection"}`);
}

/** Whether Postgres, which may have ended itself when it could not write, is there and takes writes. */
async function answers({ url }: LocalServer): Promise<boolean> {
  const pool = openPool(url, { name: "chaos", size: 1, timeoutMs: 5_000 });
  try {
    await pool.query("create temporary table probe ()");
    return true;
  } catch (error) {
    if (!isOutage(error)) throw error;
    return false;
  } finally {
    await pool.end();
  }
}

function service({ services }: Stage, name: string): Service {
  const found = services.get(name);
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
}

function link({ links }: Stage, name: string): Proxy {
  const found = links.get(name);
  if (found === undefined) throw new Error(`there is no link ${name}`);
  return found;
}
