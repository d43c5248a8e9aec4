import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../src/main.ts");

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("--help prints the options and exits 0", () => {
  expect(run("--help")).toEqual({ status: 0, stdout: expect.stringContaining("--minutes M"), stderr: "" });
});

test.each([
  [["--seed", "-1"], "Option '--seed' argument is ambiguous"],
  [["--seed", "4294967296"], '--seed must be a whole number from 0 to 4294967295, not "4294967296"\n'],
  [["--workers", "0"], "--workers must be a whole number"],
  [["--ingests", "many"], "--ingests must be a whole number"],
  [["--minutes", "0"], "--minutes must be a number greater than 0"],
  [["--seeds", "1"], "Unknown option '--seeds'"],
])("%j is wrong usage: it says why and exits 2", (args, message) => {
  const { status, stdout, stderr } = run(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr.startsWith(message)).toBe(true);
});
