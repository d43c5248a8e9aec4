import { fileURLToPath } from "node:url";
import { startNode } from "@dossier/testing";
import type { TestContext } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Starts ingest as a process of its own, on any free ports unless `env` names others. */
export function startProcess(
  context: TestContext,
  env: Readonly<Record<string, string>>,
  execArgv: readonly string[] = [],
) {
  return startNode(context, main, { execArgv, env: { PORT: "0", OPS_PORT: "0", ...env } });
}
