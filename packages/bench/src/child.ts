import { fork } from "node:child_process";
import { once } from "node:events";
import type { Scope } from "@dossier/testing";

/** A script in a process of its own, which makes load or is measured. */
export interface Child {
  readonly pid: number | undefined;
  /** Returns what the script answers. One call at a time. */
  call<Result>(argument: unknown): Promise<Result>;
}

/** Starts a script that answers by `answerCalls`, and ends with the scope at the latest. */
export function startChild(scope: Scope, script: string): Child {
  const child = fork(script);
  const exited = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`${script} ended with ${code}`)),
  );
  exited.catch(() => undefined);
  scope.onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited.catch(() => undefined);
  });
  return {
    pid: child.pid,
    async call<Result>(argument: unknown): Promise<Result> {
      child.send({ argument });
      const [result] = (await Promise.race([once(child, "message"), exited])) as [Result];
      return result;
    },
  };
}

/** Answers the calls of the process that started this script by `startChild`, and ends with it. */
export function answerCalls<Argument>(answer: (argument: Argument) => Promise<unknown>): void {
  process.on("message", ({ argument }: { argument: Argument }) => {
    // An error ends this process, and so the benchmark.
    void answer(argument).then((result) => process.send?.(result ?? null));
  });
  process.on("disconnect", () => process.exit());
}
