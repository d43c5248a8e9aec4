import { readOptions } from "./options.ts";
import type { ChaosRunResult } from "./run.ts";

const { seeds, ...options } = readOptions();
// Loaded afterwards, so that help and wrong usage are fast.
const { run } = await import("./run.ts");
const { formatFaults, formatRun } = await import("./report.ts");

const results: ChaosRunResult[] = [];
for (const seed of seeds) {
  const result = await run({ ...options, seed });
  process.stdout.write(`${formatRun(result)}\n`);
  results.push(result);
}
process.stdout.write(`${formatFaults(results)}\n`);
const failed = results.filter(({ violations }) => violations.length > 0).length;
process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
