import { fork } from "node:child_process";
import { once } from "node:events";

/** Runs a script in a process of its own, which makes load, and returns what it reports. */
export async function runInChild<Result>(script: string, argument: unknown): Promise<Result> {
  const child = fork(script, [JSON.stringify(argument)]);
  const exited = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`${script} ended with ${code}`)),
  );
  const [result] = (await Promise.race([once(child, "message"), exited])) as [Result];
  await exited.catch(() => undefined);
  return result;
}

/** Reports what `handle` returns to the process that runs this script by `runInChild`. */
export async function report<Argument>(handle: (argument: Argument) => Promise<unknown>): Promise<void> {
  const [argument = ""] = process.argv.slice(2);
  const result = await handle(JSON.parse(argument) as Argument);
  process.send?.(result);
  process.disconnect();
}
