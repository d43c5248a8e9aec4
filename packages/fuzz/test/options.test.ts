import { join } from "node:path";
import { runNode } from "@dossier/testing";
import { expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../src/main.ts");

async function run(...args: readonly string[]) {
  const { code, stdout, stderr } = await runNode(MAIN, { args });
  return { code, stdout, stderr };
}

test("--help prints the options and exits 0", async () => {
  expect(await run("--help")).toEqual({ code: 0, stdout: expect.stringContaining("--cases N"), stderr: "" });
});

test.each([
  [["--cases", "abc"], '--cases must be a whole number of 1 or more, not "abc"\n'],
  [["--cases", "0"], '--cases must be a whole number of 1 or more, not "0"\n'],
  [["--seed", "1.5"], '--seed must be a whole number of 0 or more, not "1.5"\n'],
  [["--case", "1"], "Unknown option '--case'"],
])("%j is wrong usage: it says why and exits 2", async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.startsWith(message)).toBe(true);
});
