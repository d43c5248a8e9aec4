import { startProgress } from "@dossier/cli/terminal/progress";
import { startPostgres, startRedis } from "@dossier/testing";
import { fuzz, MAX_GROWTH_BYTES, type FuzzResult } from "./fuzz.ts";
import type { Options } from "./options.ts";
import { startSystem, type System } from "./system.ts";

/** Fuzzes a system on servers of its own, and prints the result. Returns whether all requests passed. */
export async function run(options: Options): Promise<boolean> {
  await using cleanup = new AsyncDisposableStack();
  const postgres = await startPostgres({ settings: { fsync: "off", full_page_writes: "off" } });
  cleanup.defer(() => postgres.stop());
  const redis = await startRedis();
  cleanup.defer(() => redis.stop());
  const system = await startSystem(postgres.url, redis.url);
  cleanup.defer(() => system.stop());

  const startedAt = performance.now();
  try {
    const { tally, memory } = await fuzzWithProgress(system, options);
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    print(`${tally.format()}\nseed ${options.seed}, ${seconds} s`);
    if (memory === undefined) return true;
    const { warmedUp, end } = memory;
    print(`memory: ${mebibytes(warmedUp)} after the warm-up, ${mebibytes(end)} at the end`);
    if (end - warmedUp <= MAX_GROWTH_BYTES) return true;
    print(`FAILED: memory grew by more than ${mebibytes(MAX_GROWTH_BYTES)}`);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    print(`FAILED: ${error.message}`);
  }
  return false;
}

/** SIGINT and SIGTERM end it early. */
async function fuzzWithProgress(system: System, { cases, seed }: Options): Promise<FuzzResult> {
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => abort.abort());
  using progress = startProgress("requests", cases);
  return await fuzz(system, {
    cases,
    seed,
    warmUpCases: Math.min(2_000, cases),
    abortSignal: abort.signal,
    onProgress: (done) => progress.update(done, cases),
  });
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
