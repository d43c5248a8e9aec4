import { randomInt } from "node:crypto";
import { join } from "node:path";
import { Random } from "@dossier/simulator";
import { createToken, openPool, type Pool } from "@dossier/store";
import { openScope, startRedis } from "@dossier/testing";
import { startChild } from "../child.ts";
import { watchCpu } from "../cpu.ts";
import type { DataOptions } from "../options.ts";
import type { RateLoad, Sent } from "../rate-load.ts";
import { receiptToState } from "../receipt-to-state.ts";
import type { Table } from "../result.ts";
import { loginOn, startSeeded } from "../servers.ts";
import { startService } from "../services.ts";
import { quantile } from "../statistics.ts";
import { readAlone, type PageAlone } from "./alone.ts";
import { pagesOf } from "./pages.ts";
import type { ReaderLoad } from "./readers.ts";
import { seed } from "./seed.ts";
import { readSubjects } from "./subjects.ts";
import type { Sample } from "./visit.ts";

const HERE = import.meta.dirname;

/** How long it runs before anything is measured: compiled code, filled caches, prepared statements. */
const WARM_UP_SECONDS = 30;

/** Visits of each page alone, for each second that a part takes: 20 of the default's 60. */
const VISITS_PER_SECOND = 1 / 3;

/** Measures the console's pages, and receipt → state without and with readers. */
export async function run({ data, profile, size }: DataOptions): Promise<readonly Table[]> {
  await using scope = openScope();
  const seconds = size("seconds");
  const postgres = await startSeeded({
    data,
    name: `console-${size("events")}`,
    seed: (pool) => seed(pool, size("events")),
  });
  scope.onTestFinished(() => postgres.stop());
  const redis = await startRedis();
  scope.onTestFinished(() => redis.stop());
  const pool = openPool(postgres.url, { name: "bench", size: 2, timeoutMs: 600_000 });
  scope.onTestFinished(() => pool.end());
  const start = (service: "ingest" | "worker" | "console", execArgv: readonly string[] = []) =>
    startService(scope, service, {
      databaseUrl: loginOn(postgres.url, service),
      redisUrl: redis.url,
      execArgv,
    });
  const [ingest, worker, console] = await Promise.all([
    start("ingest"),
    start("worker"),
    start("console", profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]),
  ]);
  const pids = {
    ingest: ingest.child.pid,
    worker: worker.child.pid,
    console: console.child.pid,
    Postgres: postgres.pid,
  };
  const consoleUrl = `http://127.0.0.1:${console.port}`;
  const tokens = await Promise.all(
    Array.from({ length: size("readers") }, async (_, n) => {
      const { token } = await createToken(pool, { name: `Reader ${n}`, role: "admin", isService: false });
      return token;
    }),
  );
  const subjects = await readSubjects(pool);
  const readers = startChild(scope, join(HERE, "readers.ts"));
  const sender = startChild(scope, join(HERE, "../rate-load.ts"));
  const readFor = (time: number) =>
    readers.call<Sample[]>({
      url: consoleUrl,
      tokens,
      pauseMs: size("pause"),
      seconds: time,
      subjects,
    } satisfies ReaderLoad);
  const sendFor = (time: number) =>
    sender.call<Sent>({
      port: ingest.port,
      rate: size("rate"),
      seconds: time,
      seed: randomInt(2 ** 32),
      duplicates: 0.05,
    } satisfies RateLoad);

  const measure = async (name: string, load: () => Promise<Sample[]>): Promise<Part> => {
    process.stderr.write(`measuring: ${name}\n`);
    const usedCpu = await watchCpu(pids);
    const from = await now(pool);
    const [sent, samples] = await Promise.all([sendFor(seconds), load()]);
    return { name, sent, samples, cpu: await usedCpu(), receiptToState: await receiptToState(pool, from) };
  };
  process.stderr.write("warming up\n");
  const warmUp = Math.min(WARM_UP_SECONDS, seconds);
  await Promise.all([sendFor(warmUp), readFor(warmUp)]);
  process.stderr.write("measuring: each page alone\n");
  const random = new Random(1, "history");
  const alone = await readAlone({
    url: consoleUrl,
    token: tokens[0] ?? "",
    rounds: Array.from({ length: Math.ceil(seconds * VISITS_PER_SECOND) + 1 }, () =>
      pagesOf(subjects, (choices) => random.pick(choices)),
    ),
    pids: { console: pids.console, Postgres: pids.Postgres },
  });
  const parts = [
    await measure("webhooks alone", () => Promise.resolve([])),
    await measure("webhooks and readers", () => readFor(seconds)),
  ];
  // Writes its profile, if any.
  console.child.kill("SIGTERM");
  await console.ended;
  return [aloneTable(alone), partsTable(parts, seconds), pagesTable(parts.flatMap(({ samples }) => samples))];
}

interface Part {
  readonly name: string;
  readonly sent: Sent;
  readonly samples: readonly Sample[];
  /** Seconds of each process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** In milliseconds. */
  readonly receiptToState: readonly number[];
}

async function now(pool: Pool): Promise<Date> {
  const { rows } = await pool.query<{ now: Date }>("select now()");
  return rows[0]?.now ?? new Date();
}

function aloneTable(pages: readonly PageAlone[]): Table {
  const rows = pages.map(({ name, times, cpu: [ofConsole = 0, ofPostgres = 0] }) => ({
    keys: [name],
    figures: {
      "p50 ms": [quantile(times, 0.5)],
      "max ms": [quantile(times, 1)],
      "ms CPU, console": [ofConsole],
      "ms CPU, Postgres": [ofPostgres],
    },
  }));
  return { title: "Each page alone, of one reader", keys: ["page"], rows };
}

function partsTable(parts: readonly Part[], seconds: number): Table {
  const rows = parts.map(({ name, sent, samples, cpu, receiptToState: times }) => ({
    keys: [name],
    figures: {
      webhooks: [sent.accepted],
      failed: [sent.refused],
      settled: [times.length],
      ...quantilesOf("receipt → state ", times),
      pages: [samples.length],
      ...Object.fromEntries(
        Object.entries(cpu).map(([process, used]) => [`CPU, ${process}`, [used / seconds]]),
      ),
    },
  }));
  return { title: "Webhooks and readers at once; CPU as a share of one processor", keys: ["load"], rows };
}

function pagesTable(samples: readonly Sample[]): Table {
  const rowOf = (name: string, own: readonly Sample[]) => ({
    keys: [name],
    figures: {
      read: [own.length],
      "not 200": [own.filter(({ status }) => status !== 200).length],
      ...quantilesOf(
        "",
        own.map(({ ms }) => ms),
      ),
    },
  });
  const rows = [...Map.groupBy(samples, ({ name }) => name)]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, own]) => rowOf(name, own));
  return {
    title: "Pages of all readers at once",
    keys: ["page"],
    rows: [...rows, rowOf("all", samples)],
    bars: ["p95 ms"],
  };
}

function quantilesOf(prefix: string, times: readonly number[]): Record<string, readonly number[]> {
  return Object.fromEntries([50, 95, 99].map((n) => [`${prefix}p${n} ms`, [quantile(times, n / 100)]]));
}
