import { startProgress } from "@dossier/cli/terminal/progress";
import { readOptions } from "./options.ts";
import { formatFaults, formatRun } from "./report.ts";
import { run, type RunResult } from "./run.ts";

const { seeds, ...options } = readOptions();
const results: RunResult[] = [];
for (const seed of seeds) {
  const progress = startProgress(`seed ${seed}: webhooks accepted`, 0);
  const result = await run({ ...options, seed, onProgress: progress.update });
  progress.stop();
  process.stdout.write(`${formatRun(result)}\n`);
  results.push(result);
}
process.stdout.write(`${formatFaults(results)}\n`);
const failed = results.filter(({ violations }) => violations.length > 0).length;
process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
