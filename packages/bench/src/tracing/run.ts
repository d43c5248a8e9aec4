import { join } from "node:path";
import { freePort } from "@dossier/embedded";
import { openPool } from "@dossier/store";
import { openScope, startNode, type Scope } from "@dossier/testing";
import { usualBodies } from "../bodies.ts";
import { startChild } from "../child.ts";
import { watchCpu } from "../cpu.ts";
import type { Load, Measured } from "../load.ts";
import type { Options } from "../options.ts";
import { withoutWaiting, type Places } from "../peers/peer.ts";
import type { Row, Table } from "../result.ts";
import { startServers, type Servers } from "../servers.ts";
import { SECRET, startService } from "../services.ts";
import { waitUntil } from "../wait.ts";
import { measureSettling } from "../worker/measure.ts";
import * as worker from "../worker/ours.ts";
import { profileTraces } from "./profile.ts";

const DIFFERENT_WEBHOOKS = 5_000;

/** One delivery of so many is traced: 20 of 1,000 a second. */
const TRACED_ONE_OF = 50;

/** Measures what traces cost: ingest and a worker that send them to a collector, beside themselves without. */
export async function run(options: Options): Promise<readonly Table[]> {
  await using scope = openScope();
  const servers = await startServers(scope);
  const port = await freePort();
  startNode(scope, join(import.meta.dirname, "collector.ts"), { args: [String(port)] });
  const collector = `http://127.0.0.1:${port}`;
  const rounds = options.size("rounds");
  return [
    await profileBoth(servers, options, collector),
    {
      title: "Two ingests at the same time",
      keys: ["ingest"],
      rows: await compare(rounds, collector, (...side) => prepareIngest(servers, options, ...side)),
    },
    {
      title: "Two workers at the same time, each with a full queue",
      keys: ["worker"],
      rows: await compare(rounds, collector, (...side) => prepareWorker(servers, options, ...side)),
    },
  ];
}

/** What a service with traces takes for them. The load on the machine slows down all of its code alike. */
async function profileBoth(servers: Servers, options: Options, collector: string): Promise<Table> {
  await using scope = openScope();
  const load = startLoad(scope, options);
  const places = await createPlaces(servers, "ingest");
  const ingest = await profileTraces("ingest", { ...places, collector }, async (port) => {
    await load(port);
    await load(port);
  });
  const full = await createPlaces(servers, "worker");
  await fill(full, options, 0, true);
  const pool = openPool(full.databaseUrl, { name: "bench", size: 1 });
  const settling = await profileTraces("worker", { ...full, collector }, async () => {
    const isSettled = async () => (await pool.query("select from open_deliveries limit 1")).rowCount === 0;
    await waitUntil("all settled", isSettled);
  });
  await pool.end();
  const toRow = (name: string, share: number) => ({ keys: [name], figures: { "% of its CPU": [share] } });
  return {
    title: "The code of traces, by V8's profiler",
    keys: ["process"],
    rows: [toRow("ingest", ingest), toRow("worker, full queue", settling)],
  };
}

type Measure = () => Promise<Readonly<Record<string, number>>>;
type Prepare = (scope: Scope, name: string, collector: string | undefined, round: number) => Promise<Measure>;

/** Measures one with and one without traces at the same time, in new processes each round, so that all else meets both. */
async function compare(rounds: number, collector: string, prepare: Prepare): Promise<readonly Row[]> {
  const sides = [
    { name: "traced", collector, measured: [] as Readonly<Record<string, number>>[] },
    { name: "not traced", collector: undefined, measured: [] as Readonly<Record<string, number>>[] },
  ];
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    await using scope = openScope();
    const prepared = [];
    for (const side of round % 2 === 0 ? sides : sides.toReversed())
      prepared.push({ side, measure: await prepare(scope, side.name, side.collector, round) });
    await Promise.all(prepared.map(async ({ side, measure }) => side.measured.push(await measure())));
  }
  const rows = sides.map(({ name, measured }) => ({
    keys: [name],
    figures: collect(measured),
  }));
  const ratios = sides[0]?.measured.map((traced, round) =>
    Object.fromEntries(
      Object.entries(traced).map(([name, value]) => [
        name,
        value / (sides[1]?.measured[round]?.[name] ?? NaN),
      ]),
    ),
  );
  return [...rows, { keys: ["traced ÷ not traced"], figures: collect(ratios ?? []) }];
}

function collect(measured: readonly Readonly<Record<string, number>>[]): Row["figures"] {
  const names = Object.keys(measured[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, measured.map((one) => one[name] ?? Number.NaN)]));
}

async function prepareIngest(
  servers: Servers,
  options: Options,
  ...[scope, name, collector]: Parameters<Prepare>
): Promise<Measure> {
  const load = startLoad(scope, options);
  const places = await createPlaces(servers, name);
  const { child, port } = await startService(scope, "ingest", { ...places, collector });
  return async () => {
    await load(port);
    const usedCpu = await watchCpu({ ingest: child.pid });
    const { webhooks, seconds } = await load(port);
    const { ingest } = await usedCpu();
    return { "webhooks/s": webhooks / seconds, "µs CPU a webhook": (ingest * 1e6) / webhooks };
  };
}

async function prepareWorker(
  servers: Servers,
  options: Options,
  ...[scope, name, collector, round]: Parameters<Prepare>
): Promise<Measure> {
  const { size } = options;
  const places = await createPlaces(servers, name);
  await fill(places, options, round, collector !== undefined);
  return async () => {
    const settler = await worker.start(scope, places, collector);
    const processes = { postgres: servers.postgres.pid, redis: servers.redis.pid };
    const measured = await measureSettling(settler, processes, size("deliveries"), size("seconds"));
    const of = (figure: string) => measured[figure] ?? Number.NaN;
    return { "settled/s": of("settled/s"), "µs CPU a webhook": of("µs CPU a webhook") };
  };
}

async function createPlaces(servers: Servers, name: string): Promise<Places> {
  const databaseUrl = await servers.createDatabase(name, "ours");
  return { databaseUrl, redisUrl: servers.redis.url, secret: SECRET };
}

/** Returns what sends webhooks to a port. */
function startLoad(scope: Scope, { size }: Options): (port: number) => Promise<Measured> {
  const load = startChild(scope, join(import.meta.dirname, "../load.ts"));
  return async (port) => {
    const measured = await load.call<Measured>({
      port,
      connections: size("connections"),
      seconds: size("seconds"),
      webhooks: DIFFERENT_WEBHOOKS,
      seed: 1,
      again: true,
    } satisfies Load);
    if (measured.refused > 0) throw new Error(`ingest refused ${measured.refused} webhooks`);
    return measured;
  };
}

/** Fills a queue. Some deliveries get a trace context, as ingest records those of what it traces. */
async function fill(places: Places, { size }: Options, round: number, isTraced: boolean): Promise<void> {
  await worker.fill(withoutWaiting(places), usualBodies(size("deliveries"), round), size("job"));
  if (!isTraced) return;
  const pool = openPool(places.databaseUrl, { name: "bench", size: 1 });
  await pool.query(
    `update open_deliveries set traceparent = '00-' || md5(delivery_id::text) || '-0af7651916cd43dd-01'
     where delivery_id in (
       select delivery_id
       from (select delivery_id, row_number() over (order by delivery_id) as number from open_deliveries) as numbered
       where number % $1 = 0)`,
    [TRACED_ONE_OF],
  );
  await pool.end();
}
