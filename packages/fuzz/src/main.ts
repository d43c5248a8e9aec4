import { readOptions } from "./options.ts";

const options = readOptions();
// Loaded afterwards, so that help and wrong usage are fast.
const { run } = await import("./run.ts");
if (!(await run(options))) process.exitCode = 1;
