import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { freePort, type LocalServer } from "@dossier/embedded";
import { migrate } from "@dossier/store";
import { startPostgres, startProxy, startRedis, waitFor, type Proxy } from "@dossier/testing";
import type { Topology } from "./schedule.ts";
import type { SmallDisk } from "./small-disk.ts";
import { superviseProcess, type SupervisedProcess } from "./supervised-process.ts";

/** Servers and services, each a process of its own, with a proxy on every link between them. */
export interface ChaosEnvironment extends AsyncDisposable {
  readonly secret: string;
  /** One for each ingest. */
  readonly webhookUrls: readonly URL[];
  readonly postgres: LocalServer;
  readonly redis: LocalServer;
  readonly disk: SmallDisk | undefined;
  service(name: string): SupervisedProcess;
  /** `name` is `client>server`. */
  link(name: string): Proxy;
  /** Shuts all services down. Returns what was wrong with their shutdowns. */
  stopServices(): Promise<readonly string[]>;
}

export interface EnvironmentOptions {
  readonly topology: Topology;
  /** Where Postgres keeps its data, if anywhere in particular. */
  readonly disk: SmallDisk | undefined;
  /** The folder for the services' logs. */
  readonly logs: string;
  readonly onCrash: (crash: string) => void;
}

const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";
const SERVICES = join(import.meta.dirname, "services");
const CLOCK_AN_HOUR_AHEAD = ["--import", import.meta.resolve("@dossier/testing/an-hour-ahead")];
const START_TIMEOUT_MS = 300_000;

/** Starts everything; the clock of `worker-1` is an hour ahead. Resolves when all services are ready. */
export async function startEnvironment(options: EnvironmentOptions): Promise<ChaosEnvironment> {
  const { topology, disk, logs, onCrash } = options;
  await using cleanup = new AsyncDisposableStack();
  const settings = { max_wal_size: "64MB", min_wal_size: "32MB", max_connections: "200" };
  const postgres = await startPostgres({ settings, ...(disk && { dir: disk.dir }) });
  cleanup.defer(() => postgres.stop());
  const redis = await startRedis();
  cleanup.defer(() => redis.stop());
  const logins = { ingest: loginOn(postgres.url, "ingest"), worker: loginOn(postgres.url, "worker") };
  await migrate(postgres.url, logins);

  const links = new Map<string, Proxy>();
  async function startLink(client: string, server: string, target: string): Promise<string> {
    const proxy = await startProxy({ target });
    cleanup.defer(() => proxy.close());
    links.set(`${client}>${server}`, proxy);
    return proxy.url;
  }

  const services = new Map<string, SupervisedProcess>();
  async function startService(
    name: string,
    kind: "ingest" | "worker",
    execArgv: readonly string[],
  ): Promise<string> {
    const port = await freePort();
    const databaseUrl = await startLink(name, "postgres", logins[kind]);
    const redisUrl = await startLink(name, "redis", redis.url);
    const service = superviseProcess({
      name,
      entry: join(SERVICES, `${kind}.ts`),
      args: [String(port), databaseUrl, redisUrl, SECRET],
      execArgv,
      log: createWriteStream(join(logs, `${name}.log`)),
      onCrash,
    });
    cleanup.defer(async () => void (await service.stop()));
    services.set(name, service);
    return `http://127.0.0.1:${port}`;
  }

  const urls: string[] = [];
  const webhookUrls: URL[] = [];
  for (const name of topology.ingests) {
    const url = await startService(name, "ingest", []);
    urls.push(url);
    webhookUrls.push(new URL(await startLink("icomply", name, `${url}/webhooks/icomply`)));
  }
  for (const [index, name] of topology.workers.entries()) {
    urls.push(await startService(name, "worker", index === 0 ? CLOCK_AN_HOUR_AHEAD : []));
  }
  await Promise.all(urls.map(waitUntilReady));

  const undo = cleanup.move();
  return {
    secret: SECRET,
    webhookUrls,
    postgres,
    redis,
    disk,
    service: (name) => find(services, name),
    link: (name) => find(links, name),
    async stopServices() {
      const shutdowns = await Promise.all([...services.values()].map((service) => service.stop()));
      return shutdowns.filter((problem) => problem !== undefined);
    },
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

function loginOn(databaseUrl: string, service: string): string {
  const login = new URL(databaseUrl);
  login.username = service;
  login.password = SECRET;
  return login.href;
}

async function waitUntilReady(url: string): Promise<void> {
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  const askReadiness = async () => {
    const answer = await fetch(`${url}/readyz`, { signal }).then(({ status }) => status, String);
    return { url, answer };
  };
  await waitFor(askReadiness, ({ answer }) => answer === 200, Date.now() + START_TIMEOUT_MS);
}

function find<T>(known: ReadonlyMap<string, T>, name: string): T {
  const found = known.get(name);
  if (found === undefined) throw new Error(`there is no ${name} in this environment`);
  return found;
}
