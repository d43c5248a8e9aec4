import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { countBacklog, openPool, takeDueDeliveries, type Pool } from "@dossier/store";
import { openScope } from "@dossier/testing";
import { startChild } from "../child.ts";
import { watchCpu } from "../cpu.ts";
import type { Options } from "../options.ts";
import { toRows, type Window } from "../receipt-to-state.ts";
import { formatNumber, type Row, type Table } from "../result.ts";
import { startServers } from "../servers.ts";
import type { SoakLoad, Statuses } from "../soak/load.ts";
import { dossier } from "../systems/systems.ts";
import { waitUntilSettled } from "../wait.ts";

/** Windows before, during and after the transaction. */
const WINDOWS = { before: 2, during: 6, after: 2 };

const MEGABYTE = 1_000_000;

const SWEPT = 10_000;

/** Measures webhooks at a rate while a transaction elsewhere keeps its snapshot, as that of a long report does. */
export async function run({ size }: Options): Promise<readonly Table[]> {
  await using scope = openScope();
  const servers = await startServers(scope);
  const system = await dossier(1)(scope, servers, "long-transaction");
  const pool = openPool(system.databaseUrl, { name: "bench", size: 2, timeoutMs: 60_000 });
  scope.onTestFinished(() => pool.end());
  const seconds = size("seconds") / WINDOWS.during;
  const load = startChild(scope, join(import.meta.dirname, "../soak/load.ts"));
  const send = (duration: number, seed: number) =>
    load.call<Statuses>({
      port: system.port,
      rate: size("rate"),
      seconds: duration,
      seed,
      bytes: 0,
    } satisfies SoakLoad);
  await send(seconds, 1);

  const [, worker] = system.pids;
  const windows: Window[] = [];
  const watch = async (name: string, count: number) => {
    for (let window = 1; window <= count; window++) {
      process.stderr.write(`${name} ${window} of ${count}\n`);
      const from = new Date();
      const usedCpu = await watchCpu({ worker, postgres: servers.postgres.pid });
      await delay(startedAt + (windows.length + 1) * seconds * 1_000 - performance.now());
      const cpu = await usedCpu();
      const until = new Date();
      const webhooks = size("rate") * seconds;
      const figures = {
        "µs CPU a webhook, worker": [(cpu.worker * 1e6) / webhooks],
        "µs CPU, Postgres": [(cpu.postgres * 1e6) / webhooks],
        ...(await readQueueTable(pool)),
      };
      windows.push({ name: `${name} ${window}`, from, until, figures });
    }
  };
  const startedAt = performance.now();
  const sending = send(seconds * (WINDOWS.before + WINDOWS.during + WINDOWS.after), 2);
  await watch("before", WINDOWS.before);
  const connection = await pool.connect();
  await connection.query("begin isolation level repeatable read read only");
  await connection.query("select count(*) from natural_persons");
  await watch("open", WINDOWS.during);
  await connection.query("commit");
  connection.release();
  await watch("after", WINDOWS.after);
  const { 200: accepted = 0, ...others } = await sending;
  if (Object.keys(others).length > 0)
    throw new Error(`some were refused, or not sent: ${JSON.stringify(others)}`);
  await waitUntilSettled(system, accepted);

  return [
    {
      title: `${formatNumber(size("rate"))} webhooks/s, and a transaction that is open for ${size("seconds")} s, in windows of ${seconds} s`,
      keys: ["window"],
      rows: await toRows(pool, windows),
      lines: [["p99 ms", "receipt → state p50 ms"], ["open_deliveries MB"]],
    },
  ];
}

/** Returns how large the table of open deliveries is, and how long those who read it take. */
async function readQueueTable(pool: Pool): Promise<Row["figures"]> {
  const { rows } = await pool.query<{ bytes: number }>(
    "select pg_total_relation_size('open_deliveries')::float8 as bytes",
  );
  return {
    "open_deliveries MB": [(rows[0]?.bytes ?? Number.NaN) / MEGABYTE],
    "backlog read ms": [await time(() => countBacklog(pool))],
    "due read ms": [await time(() => takeDueDeliveries(pool, SWEPT))],
  };
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
