import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { vi } from "vitest";

const MAIN = join(import.meta.dirname, "../src/main.ts");
/** Saves a third of each process's start. */
const NODE_COMPILE_CACHE = join(import.meta.dirname, "../../../node_modules/.cache/node-compile-cache");

// Every test starts processes. None depends on how long that takes: this only ends what hangs.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

export type Environment = Readonly<Record<string, string>>;

/** Starts the `dossier` command as a process, without this process's configuration. */
export function start(args: readonly string[], env: Environment = {}): ChildProcess {
  const { PATH = "", HOME = "" } = process.env;
  return spawn(process.execPath, [MAIN, ...args], { env: { PATH, HOME, NODE_COMPILE_CACHE, ...env } });
}

/** Printed every ten seconds, and so only on a slow machine. */
const PROGRESS = /^[\w ]+: .+ of .+\/s(, .+ left)?\n/gm;

/** Runs the `dossier` command to its end. Progress lines are left out of its stderr. */
export async function dossier(args: readonly string[], env: Environment = {}, input = "") {
  const child = start(args, env);
  child.stdin!.end(input);
  const [stdout, stderr] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, "close"),
  ]);
  return { code: child.exitCode, stdout, stderr: stderr.replaceAll(PROGRESS, "") };
}
