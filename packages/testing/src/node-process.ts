import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { config } from "./config.ts";
import { captureLog, type LogLine, type LogLines } from "./log-lines.ts";
import type { Scope } from "./scope.ts";

export interface NodeProcessOptions {
  readonly args?: readonly string[];
  /** Options of Node itself. */
  readonly execArgv?: readonly string[];
  /** All that it gets of an environment, beside PATH, HOME and the compile cache. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to its stdin, which then ends. */
  readonly input?: string;
}

/** How a process ended, and all that it has printed. */
export interface Ended {
  /** The exit code; `null` if a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface NodeProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Returns all that it has printed so far, to stdout and stderr. */
  printed(): string;
  /** Its stdout as a log. */
  readonly log: LogLines;
  /** Resolves with the first line of this code, once it is logged. Rejects if the process ends without it. */
  logged(code: string): Promise<LogLine>;
}

/** Runs a script with Node to its end. */
export function runNode(script: string, options?: NodeProcessOptions): Promise<Ended> {
  return spawnNode(script, options).ended;
}

/** Starts a script with Node, as a process that ends with the scope at the latest. */
export function startNode(scope: Scope, script: string, options?: NodeProcessOptions): NodeProcess {
  const started = spawnNode(script, options);
  scope.onTestFinished(async () => {
    started.child.kill("SIGKILL");
    await started.ended;
  });
  return started;
}

function spawnNode(
  script: string,
  { args = [], execArgv = [], env = {}, input = "" }: NodeProcessOptions = {},
): NodeProcess {
  const child = spawn(process.execPath, [...execArgv, script, ...args], {
    env: { ...config.processEnv, ...env },
  });
  const printed = { stdout: "", stderr: "", both: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
      printed.both += text;
    });
  }
  const log = captureLog();
  const reader = createInterface(child.stdout).on("line", (line) => log.write(`${line}\n`));
  // It may end before it has read its input.
  child.stdin.on("error", () => undefined).end(input);
  const ended = once(child, "close").then(([code, signal]) => {
    const { stdout, stderr } = printed;
    return { code: code as Ended["code"], signal: signal as Ended["signal"], stdout, stderr };
  });

  return {
    child,
    ended,
    printed: () => printed.both,
    log,
    async logged(code) {
      const failed = ended.then((end) => {
        throw new Error(`ended (${end.signal ?? end.code}) without the line ${code}: ${printed.both}`);
      });
      failed.catch(() => undefined);
      for (;;) {
        const [line] = log.logged(code);
        if (line !== undefined) return line;
        await Promise.race([once(reader, "line"), failed]);
      }
    },
  };
}
