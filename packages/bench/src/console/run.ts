import { randomInt } from "node:crypto";
import { join } from "node:path";
import { formatTable } from "@dossier/cli/terminal/table";
import { createToken, openPool, type Pool } from "@dossier/store";
import { openScope, startRedis } from "@dossier/testing";
import { runInChild } from "../child.ts";
import { cpuSeconds } from "../cpu.ts";
import type { Options } from "../options.ts";
import { loginOn, startSeeded } from "../servers.ts";
import { formatMs, quantile } from "../statistics.ts";
import { readAlone, type PageAlone } from "./alone.ts";
import type { ReaderLoad } from "./readers.ts";
import { seed } from "./seed.ts";
import { startServices } from "./services.ts";
import { readSubjects } from "./subjects.ts";
import type { Sample } from "./visit.ts";
import type { SentWebhooks, WebhookLoad } from "./webhooks.ts";

const HERE = import.meta.dirname;

/** How long it runs before anything is measured: compiled code, filled caches, prepared statements. */
const WARM_UP_SECONDS = 10;

/** Visits of each page alone, for each second that a part takes: 10 of the default's 30. */
const VISITS_PER_SECOND = 1 / 3;

/** Measures the console's pages, and receipt → state without and with readers, and prints tables. */
export async function run(options: Options): Promise<void> {
  const { data, events, readers, pauseMs, rate, seconds } = options;
  const scope = openScope();
  try {
    const postgres = await startSeeded({
      data,
      name: `console-${events}`,
      seed: (pool) => seed(pool, events),
    });
    scope.onTestFinished(() => postgres.stop());
    const redis = await startRedis();
    scope.onTestFinished(() => redis.stop());
    const pool = openPool(postgres.url, { name: "bench", size: 2, timeoutMs: 600_000 });
    scope.onTestFinished(() => pool.end());
    const { processes, webhookUrl, consoleUrl } = await startServices(scope, {
      redisUrl: redis.url,
      databaseUrl: (service) => loginOn(postgres.url, service),
      profile: options.profile,
    });
    const tokens = await Promise.all(
      Array.from({ length: readers }, async (_, n) => {
        const { token } = await createToken(pool, { name: `Reader ${n}`, role: "admin", isService: false });
        return token;
      }),
    );
    const subjects = await readSubjects(pool);
    const readFor = (time: number) =>
      runInChild<Sample[]>(join(HERE, "readers.ts"), {
        url: consoleUrl,
        tokens,
        pauseMs,
        seconds: time,
        subjects,
      } satisfies ReaderLoad);
    const sendFor = (time: number) =>
      runInChild<SentWebhooks>(join(HERE, "webhooks.ts"), {
        url: webhookUrl,
        rate,
        seconds: time,
        seed: randomInt(2 ** 32),
      } satisfies WebhookLoad);
    const pids = {
      ingest: processes.ingest.child.pid,
      worker: processes.worker.child.pid,
      console: processes.console.child.pid,
      Postgres: postgres.pid,
    };

    const measure = async (name: string, load: () => Promise<Sample[]>): Promise<Part> => {
      process.stderr.write(`measuring: ${name}\n`);
      const before = await readCpu(pids);
      const from = await now(pool);
      const [sent, samples] = await Promise.all([sendFor(seconds), load()]);
      const after = await readCpu(pids);
      const cpu = before.map((used, n) => ((after[n] ?? 0) - used) / seconds);
      return { name, sent, samples, cpu, receiptToState: await receiptToState(pool, from) };
    };
    process.stderr.write("warming up\n");
    const warmUp = Math.min(WARM_UP_SECONDS, seconds);
    await Promise.all([sendFor(warmUp), readFor(warmUp)]);
    process.stderr.write("measuring: each page alone\n");
    const alone = await readAlone({
      url: consoleUrl,
      token: tokens[0] ?? "",
      subjects,
      visits: Math.ceil(seconds * VISITS_PER_SECOND),
      pids: { console: pids.console, Postgres: pids.Postgres },
    });
    print(aloneTable(alone));
    const parts = [
      await measure("webhooks alone", () => Promise.resolve([])),
      await measure("webhooks and readers", () => readFor(seconds)),
    ];
    print(partsTable(parts, Object.keys(pids)));
    print(pagesTable(parts.flatMap(({ samples }) => samples)));
    processes.console.child.kill("SIGTERM");
    await processes.console.ended;
  } finally {
    await scope.close();
  }
}

interface Part {
  readonly name: string;
  readonly sent: SentWebhooks;
  readonly samples: readonly Sample[];
  /** Of each process, as a share of one processor. */
  readonly cpu: readonly number[];
  /** In milliseconds. */
  readonly receiptToState: readonly number[];
}

function readCpu(pids: Readonly<Record<string, number | undefined>>): Promise<readonly number[]> {
  return Promise.all(Object.values(pids).map(cpuSeconds));
}

async function now(pool: Pool): Promise<Date> {
  const { rows } = await pool.query<{ now: Date }>("select now()");
  return rows[0]?.now ?? new Date();
}

/** Returns the times from the receipt of each delivery since then to the commit that settled it, in milliseconds. */
async function receiptToState(pool: Pool, from: Date): Promise<readonly number[]> {
  const { rows } = await pool.query<{ ms: number }>(
    `select (extract(epoch from pg_xact_commit_timestamp(settlements.xmin) - received_at) * 1000)::float8 as ms
     from deliveries join settlements using (delivery_id) where received_at >= $1`,
    [from],
  );
  return rows.map(({ ms }) => ms);
}

function partsTable(parts: readonly Part[], processes: readonly string[]): readonly string[] {
  const head = ["", "webhooks", "failed", "settled", "receipt → state p50", "p95", "p99 ms", "pages"];
  const rows = parts.map(({ name, sent, samples, cpu, receiptToState: times }) => [
    name,
    String(sent.accepted),
    String(sent.failed),
    String(times.length),
    ...[0.5, 0.95, 0.99].map((share) => formatMs(quantile(times, share))),
    String(samples.length),
    ...cpu.map((share) => `${(100 * share).toFixed(0)} %`),
  ]);
  return formatTable(
    [[...head, ...processes.map((name) => `CPU ${name}`)], ...rows],
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
}

function pagesTable(samples: readonly Sample[]): readonly string[] {
  const rows = [...Map.groupBy(samples, ({ name }) => name)].map(([name, own]) => {
    const times = own.map(({ ms }) => ms);
    const failed = own.filter(({ status }) => status !== 200).length;
    return [
      name,
      String(own.length),
      String(failed),
      ...[0.5, 0.95, 0.99].map((share) => formatMs(quantile(times, share))),
    ];
  });
  const all = samples.map(({ ms }) => ms);
  const sum = [
    "all",
    String(all.length),
    "",
    ...[0.5, 0.95, 0.99].map((share) => formatMs(quantile(all, share))),
  ];
  const head = ["page", "read", "not 200", "p50 ms", "p95 ms", "p99 ms"];
  return formatTable(
    [head, ...rows.toSorted(([a = ""], [b = ""]) => a.localeCompare(b)), sum],
    [1, 2, 3, 4, 5],
  );
}

function aloneTable(pages: readonly PageAlone[]): readonly string[] {
  const head = ["page, alone", "p50 ms", "max ms", "CPU console ms", "CPU Postgres ms"];
  const rows = pages.map(({ name, times, cpu }) => [
    name,
    ...[quantile(times, 0.5), quantile(times, 1), ...cpu].map(formatMs),
  ]);
  return formatTable([head, ...rows], [1, 2, 3, 4]);
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n\n`);
}
