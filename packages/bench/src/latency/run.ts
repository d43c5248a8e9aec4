import { join } from "node:path";
import { openPool, type Pool } from "@dossier/store";
import { openScope } from "@dossier/testing";
import { startChild } from "../child.ts";
import { watchCpu } from "../cpu.ts";
import type { Options } from "../options.ts";
import type { RateLoad, Sent } from "../rate-load.ts";
import { formatNumber, type Table } from "../result.ts";
import { takeTurns, type Side } from "../rounds.ts";
import { startServers } from "../servers.ts";
import { quantile } from "../statistics.ts";
import { dossier, expressAndBullmq, expressInline, limit } from "../systems/systems.ts";
import { waitUntil } from "../wait.ts";

const SYSTEMS = {
  "Dossier, one worker": dossier(1),
  "Hono, group commit, one job a commit, shared inserts": limit,
  "Express, each webhook in a transaction": expressInline,
  "Express and BullMQ, one transaction a job": expressAndBullmq,
};

/** Fewer webhooks have no p99. */
const MIN_WEBHOOKS = 100;

const WARM_UP_RATE = 500;

/** Measures the time from when a webhook is due to be sent to the commit of its event and of its person's state. */
export async function run({ size, sizes }: Options): Promise<readonly Table[]> {
  await using scope = openScope();
  const servers = await startServers(scope);
  const load = startChild(scope, join(import.meta.dirname, "../rate-load.ts"));
  let seed = 0;

  const sides: Side[] = [];
  for (const [index, [name, start]] of Object.entries(SYSTEMS).entries()) {
    const { port, pids, databaseUrl } = await start(scope, servers, `system ${index}`);
    const pool = openPool(databaseUrl, { name: "bench", size: 1 });
    scope.onTestFinished(() => pool.end());
    const measure = async (rate: number, seconds: number) => {
      const usedCpu = await watchCpu({ processes: pids, postgres: servers.postgres.pid });
      const sent = await load.call<Sent>({
        port,
        rate,
        seconds,
        seed: seed++,
        duplicates: 0,
      } satisfies RateLoad);
      if (sent.refused > 0) throw new Error(`${name} refused ${sent.refused} webhooks`);
      const cpu = await usedCpu();
      const times = await readTimes(pool, sent.dueAt);
      return {
        "p50 ms": quantile(times, 0.5),
        "p99 ms": quantile(times, 0.99),
        "CPU, processes": cpu.processes / sent.seconds,
        "CPU, Postgres": cpu.postgres / sent.seconds,
      };
    };
    process.stderr.write(`warming up: ${name}\n`);
    await measure(WARM_UP_RATE, size("warm"));
    for (const rate of sizes("rate"))
      sides.push({
        keys: [name, formatNumber(rate)],
        measure: () => measure(rate, Math.max(size("seconds"), MIN_WEBHOOKS / rate)),
      });
  }
  return [
    {
      title: "From when a webhook is due to its person's state; CPU as a share of one processor",
      keys: ["system", "webhooks/s"],
      rows: await takeTurns(sides, size("rounds")),
      bars: ["p50 ms", "p99 ms"],
    },
  ];
}

/** Returns the times from when each webhook was due to the commit of its event, once all are committed. */
async function readTimes(pool: Pool, dueAt: Readonly<Record<string, number>>): Promise<readonly number[]> {
  const sent = new Map(Object.entries(dueAt));
  let times: readonly number[] = [];
  await waitUntil("all committed", async () => {
    const { rows } = await pool.query<{ identity: string; committed_at: number }>(
      `select entity_id || ' ' || event || ' ' || id as identity,
         (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as committed_at
       from events where entity_id = any ($1::text[])`,
      [[...new Set([...sent.keys()].map((identity) => identity.split(" ")[0]))]],
    );
    times = rows.flatMap(({ identity, committed_at }) => {
      const at = sent.get(identity);
      return at === undefined ? [] : [committed_at - at];
    });
    return times.length === sent.size;
  });
  return times;
}
