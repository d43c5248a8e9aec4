import { readOptions, type Options } from "./options.ts";
import { toLines, type Table } from "./result.ts";

for (const options of readOptions()) {
  // Loaded now, so that help and wrong usage are fast.
  const { run } = (await import(`./${options.benchmark}/run.ts`)) as {
    run(given: Options): Promise<readonly Table[]>;
  };
  for (const table of await run(options)) process.stdout.write(`${toLines(table).join("\n")}\n`);
}
