import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";
import type { Line } from "./harness.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Starts ingest as a process of its own, on any free ports unless `env` names others. */
export function startProcess(
  context: TestContext,
  env: Readonly<Record<string, string>>,
  execArgv: readonly string[] = [],
) {
  const { NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [...execArgv, main], {
    env: { NODE_COMPILE_CACHE, PORT: "0", OPS_PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Line[] = [];
  const reader = createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  const stderr = text(child.stderr);
  const closed = once(child, "close");
  return {
    child,
    /** Resolves with the line of this code, once it is logged. */
    async logged(code: string): Promise<Line> {
      for (;;) {
        const line = lines.find((line) => line.code === code);
        if (line !== undefined) return line;
        if (child.exitCode !== null) throw new Error(`ended: ${await stderr}`);
        await once(reader, "line");
      }
    },
    async ended() {
      const [exitCode] = await closed;
      return { exitCode, stderr: await stderr, lines };
    },
  };
}
