import { constants } from "node:os";
import pTimeout from "p-timeout";
import type { Logger } from "./logger.ts";

/** What shuts a service down, by name, in the order in which it is done. */
export type ShutdownSteps = Readonly<Record<string, () => unknown>>;

export interface RunOptions {
  /**
   * How long each shutdown step may take, in milliseconds; the next one then begins all the same.
   * All together must be less than the supervisor waits before it kills (Docker: 10 s unless
   * `stop_grace_period` says more; Kubernetes: 30 s). Default 15,000.
   */
  readonly stepTimeout?: number;
  /**
   * For how long after the first signal further ones count as the same, in milliseconds: one Ctrl-C
   * comes several times where a parent passes on what the terminal sends to all. Default 0.
   */
  readonly sameSignalWithin?: number;
}

/**
 * The edge of a process: starts a service, runs it until SIGTERM or SIGINT, shuts it down, and ends
 * the process: with 0 when every step was done, with 1 when one was not. A second signal ends it at
 * once; so does, with a fatal line and 1, an error that nothing caught. For the `main` of a service
 * alone: it takes hold of the whole process.
 *
 * @param start given a signal that is aborted when the shutdown begins; gives the steps that undo
 *   what it started. When a signal comes before it is done, the process ends at once, for nothing
 *   was promised to anyone yet.
 */
export async function runUntilSignal(
  log: Logger,
  start: (shutdownSignal: AbortSignal) => Promise<ShutdownSteps>,
  { stepTimeout = 15_000, sameSignalWithin = 0 }: RunOptions = {},
): Promise<void> {
  const shutdownSignal = new AbortController();
  let steps: ShutdownSteps = {};
  let firstSignalAt = 0;

  const onFatal = (err: unknown) => {
    log.fatal({ err }, "ended by an error that nothing caught");
    process.exit(1);
  };
  process.on("uncaughtException", onFatal);
  process.on("unhandledRejection", onFatal);

  const onSignal = (signal: "SIGTERM" | "SIGINT") => {
    if (shutdownSignal.signal.aborted) {
      if (performance.now() - firstSignalAt < sameSignalWithin) return;
      log.warn({ signal }, "ended at once by a second signal");
      process.exit(128 + constants.signals[signal]);
    }
    firstSignalAt = performance.now();
    log.info({ signal }, "shutting down");
    shutdownSignal.abort();
    void shutDown(log, steps, stepTimeout).then((clean) => {
      log.info("shut down");
      process.exit(clean ? 0 : 1);
    });
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);

  steps = await start(shutdownSignal.signal);
}

async function shutDown(log: Logger, steps: ShutdownSteps, stepTimeout: number): Promise<boolean> {
  let clean = true;
  for (const [step, run] of Object.entries(steps)) {
    try {
      await pTimeout(Promise.resolve(run()), {
        milliseconds: stepTimeout,
        message: `not done within ${stepTimeout} ms`,
      });
    } catch (err) {
      log.error({ err, step }, "a step of the shutdown was not done");
      clean = false;
    }
  }
  return clean;
}
