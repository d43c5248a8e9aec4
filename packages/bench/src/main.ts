import { readOptions } from "./options.ts";

const options = readOptions();
// Loaded afterwards, so that help and wrong usage are fast.
const { run } = (await import(`./${options.benchmark}/run.ts`)) as {
  run(given: typeof options): Promise<void>;
};
await run(options);
