import { join } from "node:path";
import { runNode, startNode, type NodeProcess, type Scope } from "@dossier/testing";

export const MAIN = join(import.meta.dirname, "../src/main.ts");

export type Environment = Readonly<Record<string, string>>;

/** Starts the `dossier` command as a process, without this process's configuration. */
export function start(scope: Scope, args: readonly string[], env: Environment = {}): NodeProcess {
  return startNode(scope, MAIN, { args, env });
}

/** Printed every ten seconds, and so only on a slow machine. */
const PROGRESS = /^[\w ]+: .+ of .+\/s(, .+ left)?\n/gm;

/** Runs the `dossier` command to its end. Progress lines are left out of its stderr. */
export async function dossier(args: readonly string[], env: Environment = {}, input = "") {
  const { code, stdout, stderr } = await runNode(MAIN, { args, env, input });
  return { code, stdout, stderr: stderr.replaceAll(PROGRESS, "") };
}
