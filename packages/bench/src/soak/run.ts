import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openPool, type Pool } from "@dossier/store";
import { openScope } from "@dossier/testing";
import { startChild, type Child } from "../child.ts";
import { watchCpu } from "../cpu.ts";
import type { Load, Measured } from "../load.ts";
import { readMegabytes } from "../memory.ts";
import type { Options } from "../options.ts";
import { toRows, type Window } from "../receipt-to-state.ts";
import { formatNumber, type Row, type Table } from "../result.ts";
import { startServers, type Servers } from "../servers.ts";
import { dossier, type System } from "../systems/systems.ts";
import { waitUntilSettled } from "../wait.ts";
import { answerQuestions, type Loss } from "./answers.ts";
import { watchDisk } from "./disk.ts";
import type { SoakLoad, Statuses } from "./load.ts";

/** How capacity is measured, if the soak is not shorter. */
const CAPACITY = { connections: 64, seconds: 10, webhooksPerSecond: 7_500 };

/** Of the soak; a window is no longer than a minute. */
const MIN_WINDOWS = 6;

const FLOOD = { times: 10, bytes: 128 * 1024 };

/**
 * Measures a long time at 80 % of the capacity, a flood of large webhooks, of which ten times the capacity are due, and a
 * window after it. The sender has no more than 4,000 connections.
 */
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
  const before = await countDeliveries(pool);
  const send = (rate: number, seconds: number, seed: number, bytes: number) =>
    load.call<Statuses>({ port: system.port, rate, seconds, seed, bytes } satisfies SoakLoad);

  const rate = Math.round((capacity * size("share")) / 100);
  const count = Math.max(MIN_WINDOWS, Math.ceil(size("seconds") / 60));
  const seconds = size("seconds") / count;
  const windows: Window[] = [];
  const disk: Row[] = [];
  const [ingest, worker] = system.pids;
  const readDisk = await watchDisk(pool);
  const watch = async (name: string, endsAt: number) => {
    const from = new Date();
    const usedCpu = await watchCpu({ ingest, worker, postgres: servers.postgres.pid });
    await delay(Math.max(0, endsAt - performance.now()));
    const until = new Date();
    const cpu = await usedCpu();
    const share = (used: number) => [(used * 1_000) / (until.getTime() - from.getTime())];
    const figures = {
      "CPU, ingest": share(cpu.ingest),
      "CPU, worker": share(cpu.worker),
      "CPU, Postgres": share(cpu.postgres),
      ...(await readMemory(servers, system)),
    };
    windows.push({ name, from, until, figures });
    disk.push({ keys: [name], figures: await readDisk() });
  };

  const startedAt = performance.now();
  const sending = send(rate, size("seconds"), 3, 0);
  for (let window = 1; window <= count; window++) {
    process.stderr.write(`soak: window ${window} of ${count}\n`);
    await watch(((seconds * window) / 60).toFixed(1), startedAt + window * seconds * 1_000);
  }
  const answers = [await conclude("soak", servers, system, await sending)];
  process.stderr.write("flood\n");
  const [flooded] = await Promise.all([
    send(capacity * FLOOD.times, size("flood"), 4, FLOOD.bytes),
    watch("flood", performance.now() + size("flood") * 1_000),
  ]);
  answers.push(await conclude(`flood of ${FLOOD.bytes / 1024} KiB webhooks`, servers, system, flooded));
  process.stderr.write("after the flood\n");
  const [afterwards] = await Promise.all([
    send(rate, seconds, 5, 0),
    watch("after the flood", performance.now() + seconds * 1_000),
  ]);
  answers.push(await conclude("after the flood", servers, system, afterwards));

  const rows = await toRows(pool, windows);
  const accepted = answers.reduce((sum, { figures }) => sum + (figures["answered 200"]?.[0] ?? 0), 0);
  const loss: Loss = {
    accepted,
    recorded: (await countDeliveries(pool)) - before,
    unsettled: await countUnsettled(pool),
  };
  const fileFigures = Object.keys(disk[0]?.figures ?? {});
  const isWritten = (name: string) => name.startsWith("MB written");
  return [
    {
      title: `${formatNumber(rate)} webhooks/s, ${size("share")} % of the capacity, for ${formatNumber(size("seconds"))} s; CPU as a share of one processor`,
      keys: ["until minute"],
      rows,
      lines: [
        ["receipt → state p50 ms", "p99 ms"],
        Object.keys(rows[0]?.figures ?? {}).filter((name) => name.startsWith("MB")),
      ],
    },
    {
      title: "Postgres' files, in each of these minutes",
      keys: ["until minute"],
      rows: disk,
      lines: [fileFigures.filter((name) => !isWritten(name)), fileFigures.filter(isWritten)],
    },
    {
      title: "Answers, memory at the end of the load, and time until all is settled",
      keys: ["load"],
      rows: answers,
    },
    answerQuestions(rows.slice(0, count), rows.slice(count), answers, loss),
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
    if (sent.refused > 0) throw new Error(`ingest refused ${sent.refused} webhooks`);
    await waitUntilSettled(system, 0);
    capacity = sent.webhooks / ((performance.now() - startedAt) / 1_000);
  }
  return capacity;
}

async function readMemory(
  { postgres, redis }: Servers,
  { pids: [ingest, worker] }: System,
): Promise<Row["figures"]> {
  return {
    "MB, ingest": [await readMegabytes(ingest)],
    "MB, worker": [await readMegabytes(worker)],
    "MB, Postgres": [await readMegabytes(postgres.pid)],
    "MB, Redis": [await readMegabytes(redis.pid)],
  };
}

async function countDeliveries(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>("select count(*)::int as count from deliveries");
  return rows[0]?.count ?? 0;
}

async function countUnsettled(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count
     from deliveries left join settlements using (delivery_id) where settlements.delivery_id is null`,
  );
  return rows[0]?.count ?? 0;
}

/** Returns what became of a load that has ended, once all of it is settled. */
async function conclude(name: string, servers: Servers, system: System, statuses: Statuses): Promise<Row> {
  const endedAt = performance.now();
  const memory = await readMemory(servers, system);
  await waitUntilSettled(system, 0);
  const {
    200: accepted = 0,
    503: unavailable = 0,
    0: unanswered = 0,
    "not sent": notSent = 0,
    ...others
  } = statuses;
  const figures = {
    "answered 200": [accepted],
    "answered 503": [unavailable],
    "no answer": [unanswered],
    "not sent, as 4,000 wait": [notSent],
    otherwise: [Object.values(others).reduce((sum, count) => sum + count, 0)],
    ...memory,
    "settled after s": [(performance.now() - endedAt) / 1_000],
  };
  return { keys: [name], figures };
}
