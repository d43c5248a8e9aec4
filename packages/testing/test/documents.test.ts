import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const DOCUMENTS = execFileSync("git", ["ls-files", "*.md"], { cwd: ROOT, encoding: "utf8" })
  .trim()
  .split("\n");
const LINK = /\[([^\]]+)\]\(([^)#\s]+)(?:#[^)]*)?\)/g;

/** The links of a document to files of this repository. */
function linksOf(document: string): readonly { label: string; target: string; path: string }[] {
  const links = readFileSync(join(ROOT, document), "utf8").matchAll(LINK);
  return [...links]
    .map(([, label = "", target = ""]) => ({ label, target, path: join(ROOT, dirname(document), target) }))
    .filter(({ target }) => !/^[a-z]+:/.test(target));
}

test.each(DOCUMENTS)("the links of %s lead to files", (document) => {
  expect(linksOf(document).filter(({ path }) => !existsSync(path))).toEqual([]);
});

describe("docs/outcomes.md", () => {
  const links = linksOf("docs/outcomes.md").filter(({ path }) => existsSync(path));

  test("names functions that are defined in the file that it links to", () => {
    const functions = links.filter(({ label, target }) => label.startsWith("`") && target.includes("/src/"));
    const missing = functions.filter(({ label, path }) => {
      const definition = new RegExp(`\\b(function\\*? |const |async |    )${label.slice(1, -1)}\\b`);
      return !definition.test(readFileSync(path, "utf8"));
    });
    expect(missing).toEqual([]);
    expect(functions.length).toBeGreaterThan(20);
  });

  test("names tests that are in the file that it links to", () => {
    const tests = links.filter(({ label, target }) => target.endsWith(".test.ts") && label.includes(" "));
    const missing = tests.filter(({ label, path }) => !readFileSync(path, "utf8").includes(label));
    expect(missing).toEqual([]);
    expect(tests.length).toBeGreaterThan(20);
  });
});
