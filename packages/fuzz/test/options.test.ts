import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../src/main.ts");

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("--help prints the options and exits 0", () => {
  expect(run("--help")).toEqual({ status: 0, stdout: expect.stringContaining("--cases N"), stderr: "" });
});

test.each([
  [["--cases", "abc"], '--cases must be a whole number of 1 or more, not "abc"\n'],
  [["--cases", "0"], '--cases must be a whole number of 1 or more, not "0"\n'],
  [["--seed", "1.5"], '--seed must be a whole number of 0 or more, not "1.5"\n'],
  [["--case", "1"], "Unknown option '--case'"],
])("%j is wrong usage: it says why and exits 2", (args, message) => {
  const { status, stdout, stderr } = run(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr.startsWith(message)).toBe(true);
});
