import { startPostgres } from "@dossier/embedded";
import { startRedis } from "@dossier/testing";
import { fuzz } from "./fuzz.ts";
import { GROWTH_BYTES, liveBytes } from "./memory.ts";
import { options } from "./options.ts";
import { startSystem } from "./system.ts";

const { cases, seed } = options();
/** Before the first memory is measured: code is compiled by then, and connections are open. */
const WARM_UP = Math.min(2_000, cases);
let shown = 0;

const shutdownSignal = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => shutdownSignal.abort());

const postgres = await startPostgres({ settings: { fsync: "off", full_page_writes: "off" } });
const redis = await startRedis();
const system = await startSystem(postgres.url, redis.url);
try {
  await run();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  print(error.message);
  if (error.cause instanceof Error) print(error.cause.message);
  process.exitCode = 1;
} finally {
  await system.stop();
  await Promise.all([postgres.stop(), redis.stop()]);
}

async function run(): Promise<void> {
  let warm: number | undefined;
  const started = performance.now();
  const tally = await fuzz(system, {
    cases,
    seed,
    shutdownSignal: shutdownSignal.signal,
    onProgress(done) {
      if (done >= WARM_UP) warm ??= liveBytes();
      showProgress(done);
    },
  });
  const end = liveBytes();
  if (process.stderr.isTTY) process.stderr.write("\n");
  print(tally.table());
  print(`seed ${seed}, ${Math.round((performance.now() - started) / 1_000)} s`);
  // Ended before it was warm: there is nothing to compare with.
  if (warm === undefined) return;
  print(`memory in use: ${mib(warm)} after the first ${WARM_UP} cases, ${mib(end)} in the end`);
  if (end - warm > GROWTH_BYTES) throw new Error(`memory grew by more than ${mib(GROWTH_BYTES)}`);
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** A bar where somebody watches, else a line for each twentieth. */
function showProgress(done: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${bar(done / cases)} ${done} of ${cases} cases`);
  else if (done - shown >= cases / 20) process.stderr.write(`${(shown = done)} of ${cases} cases\n`);
}

function bar(share: number): string {
  const done = Math.round(share * 30);
  return `[${"#".repeat(done)}${".".repeat(30 - done)}]`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
