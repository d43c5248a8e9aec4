import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { WriteStream } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { guard } from "@dossier/embedded";
import pTimeout from "p-timeout";
import { path } from "./config.ts";

/** A Node process that is started again whenever it ends, as a supervisor does. */
export interface SupervisedProcess {
  /** Kills it, and starts it again after this many milliseconds. Resolves when it is started. */
  kill(downMs: number): Promise<void>;
  signal(signal: "SIGSTOP" | "SIGCONT"): Promise<void>;
  /** Sends SIGTERM and does not start it again. Returns what was wrong with the shutdown, if anything. */
  stop(): Promise<string | undefined>;
}

export interface ProcessOptions {
  readonly name: string;
  readonly entry: string;
  readonly args: readonly string[];
  readonly execArgv?: readonly string[];
  /** Gets its stdout and stderr. */
  readonly log: WriteStream;
  /** Called when it ended without having been killed or stopped. */
  readonly onCrash: (crash: string) => void;
}

const RESTART_AFTER_MS = 300;
const SHUTDOWN_TIMEOUT_MS = 30_000;

export function superviseProcess(options: ProcessOptions): SupervisedProcess {
  const { name, entry, args, execArgv = [], log, onCrash } = options;
  let supervised = true;
  let stopped = false;
  let child = start();

  function start(): ChildProcess {
    const started = spawn(process.execPath, [...execArgv, entry, ...args], {
      env: { PATH: path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.stdout.pipe(log, { end: false });
    started.stderr.pipe(log, { end: false });
    const dismissGuard = guard("kill -KILL $1", String(started.pid));
    started.once("exit", (code, signal) => {
      dismissGuard();
      if (!supervised || started !== child) return;
      onCrash(`${name} crashed (${signal ?? `exit code ${code}`})`);
      setTimeout(() => {
        if (supervised && started === child) child = start();
      }, RESTART_AFTER_MS);
    });
    return started;
  }

  async function terminate(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await pTimeout(exited, { milliseconds: SHUTDOWN_TIMEOUT_MS, message: false });
  }

  return {
    async kill(downMs) {
      const killed = child;
      supervised = false;
      await terminate("SIGKILL");
      await delay(downMs);
      if (stopped || killed !== child) return;
      supervised = true;
      child = start();
    },
    async signal(signal) {
      child.kill(signal);
    },
    async stop() {
      stopped = true;
      supervised = false;
      await terminate("SIGTERM");
      const { exitCode, signalCode } = child;
      if (exitCode === 0) return undefined;
      child.kill("SIGKILL");
      const end = signalCode ?? (exitCode === null ? "still running" : `exit code ${exitCode}`);
      return `${name} did not shut down cleanly within ${SHUTDOWN_TIMEOUT_MS} ms: ${end}`;
    },
  };
}
