import { join } from "node:path";
import { runNode } from "@dossier/testing";
import { expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../src/main.ts");

async function run(...args: readonly string[]) {
  const { code, stdout, stderr } = await runNode(MAIN, { args });
  return { code, stdout, stderr };
}

test("--help prints the options and exits 0", async () => {
  expect(await run("--help")).toEqual({
    code: 0,
    stdout: expect.stringContaining("--minutes M"),
    stderr: "",
  });
});

test.each([
  [["--seed", "-1"], "Option '--seed' argument is ambiguous"],
  [["--seed", "4294967296"], '--seed must be a whole number from 0 to 4294967295, not "4294967296"\n'],
  [["--workers", "0"], "--workers must be a whole number"],
  [["--ingests", "many"], "--ingests must be a whole number"],
  [["--minutes", "0"], "--minutes must be a number greater than 0"],
  [["--seeds", "1"], "Unknown option '--seeds'"],
])("%j is wrong usage: it says why and exits 2", async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.startsWith(message)).toBe(true);
});
