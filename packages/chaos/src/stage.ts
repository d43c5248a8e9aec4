import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startPostgres, type LocalServer } from "@dossier/embedded";
import { freePort } from "@dossier/embedded";
import { migrate } from "@dossier/store";
import { startProxy, startRedis, type Proxy } from "@dossier/testing";
import type { Disk } from "./disk.ts";
import type { Cast } from "./plan.ts";
import { startService, type Service } from "./service.ts";
import { QUIET_WITHIN_MS } from "./times.ts";

/** Everything that runs, with a proxy between each pair of those who talk to each other. */
export interface Stage extends AsyncDisposable {
  readonly cast: Cast;
  readonly secret: string;
  /** Where webhooks are sent: an address for each ingest. */
  readonly webhookUrls: readonly string[];
  readonly postgres: LocalServer;
  readonly redis: LocalServer;
  readonly services: ReadonlyMap<string, Service>;
  readonly links: ReadonlyMap<string, Proxy>;
  readonly disk: Disk | undefined;
}

export interface StageOptions {
  readonly ingests: number;
  readonly workers: number;
  readonly disk: Disk | undefined;
  /** Where the services' logs are written. */
  readonly logs: string;
  readonly onDeath: (how: string) => void;
}

const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";
const SERVICES = join(import.meta.dirname, "services");
const HOUR_OFF = ["--import", import.meta.resolve("@dossier/testing/an-hour-ahead")];

export async function openStage({ ingests, workers, disk, logs, onDeath }: StageOptions): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const settings = { max_wal_size: "64MB", min_wal_size: "32MB", max_connections: "200" };
  const postgres = await startPostgres({ settings, ...(disk && { dir: disk.dir }) });
  undo.defer(() => postgres.stop());
  const redis = await startRedis();
  undo.defer(() => redis.stop());
  await migrate(postgres.url);

  const links = new Map<string, Proxy>();
  const link = async (from: string, to: string, target: string): Promise<string> => {
    const proxy = await startProxy({ target });
    undo.defer(() => proxy.close());
    links.set(`${from}>${to}`, proxy);
    return proxy.url;
  };
  const services = new Map<string, Service>();
  const start = (
    name: string,
    entry: string,
    args: readonly string[],
    execArgv: readonly string[] = [],
  ): void => {
    const log = createWriteStream(join(logs, `${name}.log`));
    const service = startService({ name, entry: join(SERVICES, entry), args, execArgv, log, onDeath });
    undo.defer(async () => void (await service.stop()));
    services.set(name, service);
  };

  const webhookUrls: string[] = [];
  const ports = new Map<string, number>();
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `${kind}-${i + 1}`);
  const cast = { ingests: names("ingest", ingests), workers: names("worker", workers) };
  for (const name of cast.ingests) {
    const port = await freePort();
    const [databaseUrl, redisUrl] = [
      await link(name, "postgres", postgres.url),
      await link(name, "redis", redis.url),
    ];
    ports.set(name, port);
    webhookUrls.push(await link("icomply", name, `http://127.0.0.1:${port}/webhooks/icomply`));
    start(name, "ingest.ts", [String(port), databaseUrl, redisUrl, SECRET]);
  }
  for (const [index, name] of cast.workers.entries()) {
    const port = await freePort();
    const [databaseUrl, redisUrl] = [
      await link(name, "postgres", postgres.url),
      await link(name, "redis", redis.url),
    ];
    ports.set(name, port);
    start(name, "worker.ts", [String(port), databaseUrl, redisUrl], index === 0 ? HOUR_OFF : []);
  }
  await Promise.all([...ports].map(ready));

  const everything = undo.move();
  return {
    cast: { ...cast, links: [...links.keys()], diskFills: disk !== undefined },
    secret: SECRET,
    webhookUrls,
    postgres,
    redis,
    services,
    links,
    disk,
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}

const LOOK_EVERY_MS = 200;

/** Resolves once the service on this port says that it can do its work; rejects where it never does. */
async function ready([name, port]: readonly [string, number]): Promise<void> {
  const until = AbortSignal.timeout(QUIET_WITHIN_MS);
  const look = () =>
    fetch(`http://127.0.0.1:${port}/readyz`, { signal: until }).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await look())) {
    if (until.aborted)
      throw new Error(`${name} was not ready within ${QUIET_WITHIN_MS} ms, before any fault`);
    await delay(LOOK_EVERY_MS);
  }
}
