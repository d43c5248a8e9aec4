import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { WriteStream } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { guard } from "@dossier/embedded";
import { path } from "./config.ts";
import { STOP_WITHIN_MS } from "./times.ts";

/** A service in a process of its own, which is started again when it ends, as by a supervisor. */
export interface Service {
  readonly name: string;
  /** Kills it; it stays away for so long. Resolves when it is started again. */
  kill(awayMs: number): Promise<void>;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** Told to stop, and not started again: gives what was wrong with its end, if anything. */
  stop(): Promise<string | undefined>;
}

export interface ServiceOptions {
  readonly name: string;
  readonly entry: string;
  readonly args: readonly string[];
  readonly execArgv?: readonly string[];
  /** Where its log goes. */
  readonly log: WriteStream;
  /** Told when it ended although nobody had killed it. */
  readonly onDeath: (how: string) => void;
}

const RESTART_MS = 300;

export function startService({ name, entry, args, execArgv = [], log, onDeath }: ServiceOptions): Service {
  let wanted = true;
  let stopped = false;
  let child = launch();

  function launch(): ChildProcess {
    const launched = spawn(process.execPath, [...execArgv, entry, ...args], {
      env: { PATH: path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    launched.stdout.pipe(log, { end: false });
    launched.stderr.pipe(log, { end: false });
    const dismiss = guard("kill -KILL $1", String(launched.pid));
    launched.once("exit", (code, signal) => {
      dismiss();
      if (!wanted || launched !== child) return;
      onDeath(`${name} ended by itself (${signal ?? `code ${code}`})`);
      setTimeout(() => {
        if (wanted && launched === child) child = launch();
      }, RESTART_MS);
    });
    return launched;
  }

  async function kill(signal: "SIGKILL" | "SIGTERM"): Promise<{ code: number | null; took: number }> {
    const ending = child;
    const began = performance.now();
    if (ending.exitCode === null && ending.signalCode === null) {
      const exited = once(ending, "exit");
      ending.kill(signal);
      await Promise.race([exited, delay(STOP_WITHIN_MS, undefined, { ref: false })]);
    }
    return { code: ending.exitCode, took: performance.now() - began };
  }

  return {
    name,
    async kill(awayMs) {
      const killed = child;
      wanted = false;
      await kill("SIGKILL");
      await delay(awayMs);
      if (stopped || killed !== child) return;
      wanted = true;
      child = launch();
    },
    signal: (signal) => void child.kill(signal),
    async stop() {
      stopped = true;
      wanted = false;
      const { code, took } = await kill("SIGTERM");
      if (code === 0) return undefined;
      child.kill("SIGKILL");
      return `${name} did not stop in good order: ${code === null ? `it was stuck after ${Math.round(took)} ms` : `code ${code}`}`;
    },
  };
}
