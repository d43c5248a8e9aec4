import { join } from "node:path";
import { runNode, startNode, type NodeProcess, type Scope } from "@dossier/testing";
import { vi } from "vitest";
import { runCommandLine } from "../src/command-line.ts";

export const MAIN = join(import.meta.dirname, "../src/main.ts");

export type Environment = Readonly<Record<string, string>>;

/** Starts the `dossier` command as a process, without this process's configuration. */
export function start(scope: Scope, args: readonly string[], env: Environment = {}): NodeProcess {
  return startNode(scope, MAIN, { args, env });
}

/** Printed every ten seconds, and so only on a slow machine. */
const PROGRESS = /^[\w ]+: .+ of .+\/s(, .+ left)?\n/gm;

/** Runs the `dossier` command as a process, to its end. Progress lines are left out of its stderr. */
export async function runDossier(args: readonly string[], env: Environment = {}, input = "") {
  const { code, stdout, stderr } = await runNode(MAIN, { args, env, input });
  return { code, stdout, stderr: stderr.replaceAll(PROGRESS, "") };
}

/**
 * As `runDossier`, but in this process: most of a short command's time is the start of Node and the loading of modules.
 * Not side by side, as the environment and the output are the process's.
 */
export async function dossier(args: readonly string[], env: Environment = {}) {
  const before = { env: process.env, exitCode: process.exitCode };
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation(acceptChunk);
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation(acceptChunk);
  process.env = { PATH: before.env["PATH"], HOME: before.env["HOME"], ...env };
  process.exitCode = 0;
  try {
    await runCommandLine(args);
    return {
      code: Number(process.exitCode),
      stdout: joinChunks(stdout.mock.calls),
      stderr: joinChunks(stderr.mock.calls).replaceAll(PROGRESS, ""),
    };
  } finally {
    process.env = before.env;
    process.exitCode = before.exitCode;
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

function acceptChunk(_chunk: unknown, encoding?: unknown, done?: unknown): boolean {
  const callback = typeof encoding === "function" ? encoding : done;
  if (typeof callback === "function") queueMicrotask(() => callback());
  return true;
}

function joinChunks(calls: readonly (readonly unknown[])[]): string {
  return calls
    .map(([chunk]) => (typeof chunk === "string" ? chunk : Buffer.from(chunk as Uint8Array).toString()))
    .join("");
}
