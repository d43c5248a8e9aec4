import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openPool, type Pool } from "@dossier/store";
import { openScope } from "@dossier/testing";
import { startChild, type Child } from "../child.ts";
import { waitUntilSettled } from "../end-to-end/run.ts";
import type { Load, Measured } from "../load.ts";
import { readMegabytes } from "../memory.ts";
import type { Options } from "../options.ts";
import type { Row, Table } from "../result.ts";
import { startServers } from "../servers.ts";
import { dossier, type System } from "../systems/systems.ts";
import type { SoakLoad, Statuses } from "./load.ts";

/** How capacity is measured, if the soak is not shorter. */
const CAPACITY = { connections: 64, seconds: 4, webhooksPerSecond: 7_500 };

const SLICES = 6;

const FLOOD = { times: 10, bytes: 128 * 1024 };

/** Measures a long time at 80 % of the capacity, and then a flood of large webhooks at ten times of it. */
export async function run({ size }: Options): Promise<readonly Table[]> {
  await using scope = openScope();
  const servers = await startServers(scope);
  const system = await dossier(1)(scope, servers, "soak");
  const pool = openPool(system.databaseUrl, { name: "bench", size: 1, timeoutMs: 600_000 });
  scope.onTestFinished(() => pool.end());
  const load = startChild(scope, join(import.meta.dirname, "load.ts"));
  const capacity = await measureCapacity(
    system,
    startChild(scope, join(import.meta.dirname, "../load.ts")),
    Math.min(CAPACITY.seconds, size("seconds")),
  );
  const send = (rate: number, seconds: number, seed: number, bytes: number) =>
    load.call<Statuses>({ port: system.port, rate, seconds, seed, bytes } satisfies SoakLoad);

  const rate = Math.round((capacity * size("share")) / 100);
  const slices: Row[] = [];
  const sending = send(rate, size("seconds"), 3, 0);
  for (let slice = 1; slice <= SLICES; slice++) {
    const from = await now(pool);
    await delay((size("seconds") * 1_000) / SLICES);
    slices.push({
      keys: [`${slice} of ${SLICES}`],
      figures: { ...(await readTimes(pool, from)), ...(await readMemory(system)) },
    });
  }
  const answers: Row[] = [await conclude("soak", system, await sending)];

  const before = await countDeliveries(pool);
  const flooded = await send(capacity * FLOOD.times, size("flood"), 4, FLOOD.bytes);
  const recorded = (await countDeliveries(pool)) - before;
  if (recorded < (flooded["200"] ?? 0)) throw new Error("a webhook was answered 200 and is not recorded");
  answers.push(await conclude(`flood of ${FLOOD.bytes / 1024} KiB webhooks`, system, flooded));
  return [
    {
      title: `${rate} webhooks/s, ${size("share")} % of the capacity, for ${size("seconds")} s`,
      keys: ["part"],
      rows: slices,
    },
    {
      title: "Answers, memory at the end of the load, and time until all is settled",
      keys: ["load"],
      rows: answers,
    },
  ];
}

/** Returns webhooks a second, from the first that is sent to the last that is settled. */
async function measureCapacity(system: System, load: Child, seconds: number): Promise<number> {
  const { connections, webhooksPerSecond } = CAPACITY;
  const webhooks = webhooksPerSecond * seconds;
  let capacity = 0;
  // The first one warms up.
  for (const seed of [1, 2]) {
    const given: Load = { port: system.port, connections, seconds: 0, webhooks, seed, again: false };
    // So that the webhooks are invented beforehand.
    await load.call<Measured>(given);
    const startedAt = performance.now();
    const sent = await load.call<Measured>({ ...given, seconds });
    await waitUntilSettled(system, 0);
    capacity = sent.webhooks / ((performance.now() - startedAt) / 1_000);
  }
  return capacity;
}

async function now(pool: Pool): Promise<Date> {
  const { rows } = await pool.query<{ now: Date }>("select now()");
  return rows[0]?.now ?? new Date();
}

/** Returns quantiles of the time from receipt to state, of what was received since then and is settled. */
async function readTimes(pool: Pool, from: Date): Promise<Row["figures"]> {
  const { rows } = await pool.query<{ count: number; p50: number | null; p99: number | null }>(
    `select count(*)::int, percentile_cont(0.5) within group (order by ms) as p50,
       percentile_cont(0.99) within group (order by ms) as p99
     from (
       select extract(epoch from pg_xact_commit_timestamp(settlements.xmin) - received_at)::float8 * 1000 as ms
       from deliveries join settlements using (delivery_id) where received_at >= $1
     ) as times`,
    [from],
  );
  const [{ count, p50, p99 } = { count: 0, p50: null, p99: null }] = rows;
  return {
    settled: [count],
    "receipt → state p50 ms": [p50 ?? Number.NaN],
    "p99 ms": [p99 ?? Number.NaN],
  };
}

async function readMemory({ pids: [ingest, worker] }: System): Promise<Row["figures"]> {
  return { "MB, ingest": [await readMegabytes(ingest)], "MB, worker": [await readMegabytes(worker)] };
}

async function countDeliveries(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>("select count(*)::int as count from deliveries");
  return rows[0]?.count ?? 0;
}

/** Returns what became of a load that has ended, once all of it is settled. */
async function conclude(name: string, system: System, statuses: Statuses): Promise<Row> {
  const endedAt = performance.now();
  const memory = await readMemory(system);
  await waitUntilSettled(system, 0);
  const { 200: accepted = 0, 503: unavailable = 0, ...others } = statuses;
  const figures = {
    "answered 200": [accepted],
    "answered 503": [unavailable],
    "otherwise, or not": [Object.values(others).reduce((sum, count) => sum + count, 0)],
    ...memory,
    "settled after s": [(performance.now() - endedAt) / 1_000],
  };
  return { keys: [name], figures };
}
