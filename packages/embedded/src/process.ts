import { spawn, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

const START_MS = 120_000;
const KEPT_LINES = 30;

export interface Launch {
  command: string;
  args: readonly string[];
  /** Part of the line that the server prints once it takes connections. */
  ready: string;
  /** The user that it runs as, where that is not our own. */
  options?: { readonly uid?: number; readonly gid?: number };
  /** Shell command that ends it where we can no longer: `$1` is its process id. */
  orphaned: string;
}

/** Starts a server and resolves once it is ready; rejects with its last lines where it does not get there. */
export async function launch({ command, args, ready, options, orphaned }: Launch): Promise<ChildProcess> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const printed: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (what: string) => reject(new Error([`${command} ${what}`, ...printed].join("\n")));

  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      printed.push(line);
      if (printed.length > KEPT_LINES) printed.shift();
      if (line.includes(ready)) resolve();
    });
  }
  child.once("error", (error) => failed(`did not start: ${error.message}`));
  child.once("close", (code, signal) => failed(`ended (${signal ?? code}) before it was ready`));
  const timer = setTimeout(() => failed(`was not ready after ${START_MS} ms`), START_MS);

  if (child.pid !== undefined) {
    const dismiss = guard(orphaned, String(child.pid));
    child.once("exit", dismiss);
  }
  try {
    await promise;
    return child;
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The processes that a process has started and that still run: none where the system does not tell. */
export async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return list.split(" ").filter(Boolean).map(Number);
}

/** Resolves once the process has gone. */
export async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("exit", resolve));
}

/**
 * Runs a shell command if this process ends, however it ends, without having called what is returned:
 * a shell that stands apart from our process group waits for the end of a pipe that only we hold open.
 */
export function guard(command: string, ...args: readonly string[]): () => void {
  if (process.platform === "win32") return () => {};
  const shell = spawn("sh", ["-c", `read -r _; ${command}`, "sh", ...args], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.unref();
  return () => shell.kill("SIGKILL");
}
