import { join } from "node:path";
import { runNode } from "@dossier/testing";
import { expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../src/main.ts");

async function run(...args: readonly string[]) {
  const { code, stdout, stderr } = await runNode(MAIN, { args });
  return { code, stdout, stderr };
}

test("--help names the benchmarks and exits 0", async () => {
  expect(await run("--help")).toEqual({ code: 0, stdout: expect.stringContaining("search"), stderr: "" });
});

test.each([
  [
    ["consul"],
    'there is no benchmark "consul", but ingest, worker, end-to-end, latency, rebuild, verify, bytes, growth, dead-letters, long-transaction, soak, console, tracing, search\n',
  ],
  [["toString"], 'there is no benchmark "toString", but '],
  [["search", "verify", "--copies", "5"], "--copies is no option of search, verify\n"],
  [["console", "--readers", "0"], '--readers must be a whole number of 1 or more, not "0"\n'],
])("%j is wrong usage: it says why and exits 2", async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.startsWith(message)).toBe(true);
});
