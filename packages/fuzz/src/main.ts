import { startProgress } from "@dossier/cli/terminal/progress";
import { startPostgres } from "@dossier/embedded";
import { startRedis } from "@dossier/testing";
import { fuzz, MAX_GROWTH_BYTES } from "./fuzz.ts";
import { readOptions } from "./options.ts";
import { startSystem } from "./system.ts";

const { cases, seed } = readOptions();
const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => abort.abort());

const postgres = await startPostgres({ settings: { fsync: "off", full_page_writes: "off" } });
const redis = await startRedis();
const system = await startSystem(postgres.url, redis.url);
try {
  await run();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  print(`FAILED: ${error.message}`);
  process.exitCode = 1;
} finally {
  await system.stop();
  await Promise.all([postgres.stop(), redis.stop()]);
}

async function run(): Promise<void> {
  const startedAt = performance.now();
  const warmUpCases = Math.min(2_000, cases);
  using progress = startProgress("cases", cases);
  const { tally, memory } = await fuzz(system, {
    cases,
    seed,
    warmUpCases,
    abortSignal: abort.signal,
    onProgress: (done) => progress.update(done, cases),
  });
  print(tally.format());
  print(`seed ${seed}, ${Math.round((performance.now() - startedAt) / 1_000)} s`);
  if (memory === undefined) return;
  const { warmedUp, end } = memory;
  print(`memory: ${mebibytes(warmedUp)} after ${warmUpCases} cases, ${mebibytes(end)} at the end`);
  if (end - warmedUp > MAX_GROWTH_BYTES)
    throw new Error(`memory grew by more than ${mebibytes(MAX_GROWTH_BYTES)}`);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
