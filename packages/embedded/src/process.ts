import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const START_MS = 120_000;
const RETRY_PAUSE_MS = 100;
const KEPT_LINES = 30;

/** How a server process is started and ended. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** The user that it runs as, if that is not our own. */
  readonly options?: { readonly uid?: number; readonly gid?: number; readonly cwd?: string };
  /** Part of the line that it prints once it takes connections. */
  readonly ready: string;
  /** Part of what it prints if it failed to start and may start on the next attempt. */
  readonly retryOn?: string;
  /** Makes it shut down. */
  readonly stopSignal: NodeJS.Signals;
  /** Shell command that ends it after the end of this process: `$1` is its process id. */
  readonly orphaned: string;
  /** File for all that it prints, overwritten at each start. */
  readonly log?: string | undefined;
}

/** Starts a server and resolves once it is ready. Rejects with its last lines if it ends, or takes more than two minutes. */
export async function launch(options: Launch): Promise<ChildProcess> {
  const until = performance.now() + START_MS;
  for (;;) {
    try {
      return await launchOnce(options);
    } catch (error) {
      const mayRetry = options.retryOn !== undefined && String(error).includes(options.retryOn);
      if (!mayRetry || performance.now() > until) throw error;
    }
    await delay(RETRY_PAUSE_MS);
  }
}

async function launchOnce({ command, args, options, ready, orphaned, log }: Launch): Promise<ChildProcess> {
  const child = spawn(command, args, {
    ...options,
    // A process group of its own: the terminal's Ctrl-C does not reach it.
    detached: true,
    windowsHide: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (log !== undefined) tryWrite(log, "", "w");
  const printed: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (problem: string) => reject(new Error([`${command} ${problem}`, ...printed].join("\n")));

  for (const stream of [child.stdout, child.stderr]) {
    // Read whatever becomes of the log: a server stops at its next message once nobody reads the last ones.
    createInterface({ input: stream }).on("line", (line) => {
      if (log !== undefined) tryWrite(log, `${line}\n`, "a");
      printed.push(line);
      if (printed.length > KEPT_LINES) printed.shift();
      if (line.includes(ready)) resolve();
    });
  }
  child.once("error", (error) => fail(`did not start: ${error.message}`));
  child.once("close", (code, signal) => fail(`ended (${signal ?? code}) before it was ready`));
  const timer = setTimeout(() => fail(`was not ready after ${START_MS} ms`), START_MS);

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

function tryWrite(path: string, text: string, flag: "w" | "a"): void {
  try {
    // Postgres quotes rows in some errors.
    writeFileSync(path, text, { flag, mode: 0o600 });
  } catch {
    // If the disk is full, only the log is incomplete.
  }
}

/** Returns the running child processes of a process; none if the system has no /proc. */
export async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return list.split(" ").filter(Boolean).map(Number);
}

/** Resolves once the process has ended. */
export async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("exit", resolve));
}

/**
 * Runs a shell command if this process ends, however it ends, before the returned function is called: a shell outside
 * of our process group waits for the end of a pipe that only we hold open.
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
