import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openScope, runNode, startNode } from "../src/index.ts";

const PRINT = fileURLToPath(new URL("./fixtures/print.ts", import.meta.url));

test("a process gives its exit code and what it printed, and gets its arguments and its input", async () => {
  expect(await runNode(PRINT, { args: ["3"], input: "hello" })).toEqual({
    code: 3,
    signal: null,
    stdout: '{"level":"info","code":"started","port":7}\n',
    stderr: "hello\n",
  });
});

test("a line of a process's log is found by its code; one that never comes is an error", async (context) => {
  const { logged } = startNode(context, PRINT, { input: "why it ended" });
  expect(await logged("started")).toMatchObject({ port: 7 });
  await expect(logged("stopped")).rejects.toThrow(/without the line stopped: [^]*why it ended/);
});

test("a process ends with its scope", async () => {
  const scope = openScope();
  const { logged, ended } = startNode(scope, PRINT, { args: ["wait"] });
  await logged("started");
  await scope.close();
  expect(await ended).toMatchObject({ code: null, signal: "SIGKILL" });
});
