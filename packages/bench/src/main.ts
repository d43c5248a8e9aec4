import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCircumstances } from "./circumstances.ts";
import { readOptions, type DataOptions } from "./options.ts";
import { toLines, type Table } from "./result.ts";

const all = readOptions();
// Benchmarks of one run share what they have seeded.
const folder = await mkdtemp(join(tmpdir(), "dossier-bench-"));
// Postgres may run as another user.
await chmod(folder, 0o755);
try {
  for (const options of all) await measure({ ...options, data: options.data ?? folder });
} finally {
  await rm(folder, { recursive: true });
}

async function measure(options: DataOptions): Promise<void> {
  const { benchmark, write } = options;
  process.stderr.write(`=== ${benchmark}\n`);
  const circumstances = await readCircumstances(commandLine());
  // Loaded now, so that help and wrong usage are fast.
  const { run } = (await import(`./${benchmark}/run.ts`)) as {
    run(given: typeof options): Promise<readonly Table[]>;
  };
  const startedAt = performance.now();
  const tables = await run(options);
  process.stderr.write(`${benchmark} took ${((performance.now() - startedAt) / 1_000).toFixed(0)} s\n`);
  process.stdout.write(`${tables.flatMap(toLines).join("\n")}\n`);
  if (!write) return;
  const { writeResults } = await import("./documents.ts");
  await writeResults(benchmark, circumstances, tables);
}

/** Returns the command without the folder for data, which is this machine's own. */
function commandLine(): string {
  return `npm run bench -- ${process.argv
    .slice(2)
    .join(" ")
    .replace(/ --data[ =]\S+/, "")}`;
}
