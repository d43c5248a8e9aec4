import { readOptions } from "./options.ts";
import { formatFaults, formatRun } from "./report.ts";
import { run, type RunResult } from "./run.ts";

const { seeds, ...options } = readOptions();
const results: RunResult[] = [];
for (const seed of seeds) {
  process.stderr.write(`seed ${seed}: starting ${options.ingests} ingests and ${options.workers} workers\n`);
  const result = await run({ ...options, seed });
  process.stdout.write(`${formatRun(result)}\n`);
  results.push(result);
}
process.stdout.write(`${formatFaults(results)}\n`);
const failed = results.filter(({ violations }) => violations.length > 0).length;
process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
