import { constants } from "node:os";
import pTimeout from "p-timeout";
import type { Logger } from "./logger.ts";

/** What a step of starting a service returns: its value, or an error message for the person who starts it. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string };

/** Returns the value, or writes the error to stderr and ends the process with code 1. Only for a service's `main`. */
export function orExit<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  process.stderr.write(`${result.error}\n`);
  process.exit(1);
}

/** How to shut a service down: each step under what it does, such as "close the pool", in the order of execution. */
export type ShutdownSteps = Readonly<Record<string, () => unknown>>;

export interface RunOptions {
  /**
   * How long the service goes on after the first signal, in seconds, while its `drainSignal` says that it shall get no
   * more work: time for load balancers to notice. Default 0.
   */
  readonly drainSeconds?: number;
  /**
   * How long each shutdown step may take, in milliseconds; then the next one begins. All steps together must take less
   * than the supervisor waits before it kills the process (Docker: 10 s unless `stop_grace_period` is longer;
   * Kubernetes: 30 s). Default 15,000.
   */
  readonly stepTimeoutMs?: number;
  /**
   * For how long after the first signal further ones are ignored, in milliseconds: one Ctrl-C arrives several times
   * where a parent forwards what the terminal sends to every process. Default 0.
   */
  readonly sameSignalMs?: number;
}

/**
 * Starts a service, runs it until SIGTERM or SIGINT, shuts it down and ends the process: with 0 if every shutdown step
 * succeeded, else with 1. A second signal ends the process at once. An uncaught error is logged and ends it with 1.
 * Only for a service's `main`, as it takes over the whole process.
 *
 * @param start starts the service and returns the steps that shut it down. Its `drainSignal` is aborted at the first
 *   signal, its `shutdownSignal` when the steps begin. If a signal arrives before `start` has resolved, the process ends
 *   at once, without any step. `fail` logs a reason and ends the process with 1, without any step; its `code` is
 *   `misconfigured` by default
 */
export async function runUntilSignal(
  log: Logger,
  start: (
    shutdownSignal: AbortSignal,
    drainSignal: AbortSignal,
    fail: (reason: string, code?: string) => void,
  ) => Promise<ShutdownSteps>,
  { drainSeconds = 0, stepTimeoutMs = 15_000, sameSignalMs = 0 }: RunOptions = {},
): Promise<void> {
  const drain = new AbortController();
  const shutdown = new AbortController();
  let steps: ShutdownSteps = {};
  let started = false;
  let firstSignalAt = 0;

  const onUncaught = (err: unknown) => {
    // Before its start, a service has read no payload, and an error says what is wrong with the installation.
    log.fatal(
      { code: "uncaught-error", ...(started ? { unexpected: err } : { err }) },
      "uncaught error; exiting",
    );
    process.exit(1);
  };
  const fail = (reason: string, code = "misconfigured") => {
    log.fatal({ code, reason }, "cannot go on; exiting");
    process.exit(1);
  };
  process.on("uncaughtException", onUncaught);
  process.on("unhandledRejection", onUncaught);

  const onSignal = (signal: "SIGTERM" | "SIGINT") => {
    if (drain.signal.aborted) {
      if (performance.now() - firstSignalAt < sameSignalMs) return;
      log.warn({ code: "second-signal", signal }, "second signal; exiting at once");
      process.exit(128 + constants.signals[signal]);
    }
    firstSignalAt = performance.now();
    drain.abort();
    if (!started || drainSeconds === 0) return void end(signal);
    log.info({ code: "draining", signal, drainSeconds }, "draining");
    setTimeout(() => void end(signal), drainSeconds * 1_000);
  };

  async function end(signal: string): Promise<void> {
    log.info({ code: "shutting-down", signal }, "shutting down");
    shutdown.abort();
    const clean = await shutDown(log, steps, stepTimeoutMs);
    log.info({ code: "shut-down" }, "shut down");
    process.exit(clean ? 0 : 1);
  }

  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);

  steps = await start(shutdown.signal, drain.signal, fail);
  started = true;
}

/** Runs every step, one after the other. Returns whether all of them succeeded in time. */
async function shutDown(log: Logger, steps: ShutdownSteps, stepTimeoutMs: number): Promise<boolean> {
  let clean = true;
  for (const [step, run] of Object.entries(steps)) {
    try {
      await pTimeout(Promise.resolve(run()), {
        milliseconds: stepTimeoutMs,
        message: `not done within ${stepTimeoutMs} ms`,
      });
    } catch (err) {
      log.error({ code: "shutdown-step-failed", err, step }, "shutdown step failed");
      clean = false;
    }
  }
  return clean;
}
