import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const INSTALLED = ["node_modules", ".runtime"];
const DOCUMENTS = globSync("**/*.md", {
  cwd: ROOT,
  exclude: (path) => INSTALLED.includes(basename(path)),
});
const LINK = /\[([^\]]+)\]\(([^)#\s]+)(?:#[^)]*)?\)/g;

/** The links of a document to files of this repository. */
function linksOf(document: string): readonly { label: string; target: string; path: string }[] {
  const links = readFileSync(join(ROOT, document), "utf8").matchAll(LINK);
  return [...links]
    .map(([, label = "", target = ""]) => ({ label, target, path: join(ROOT, dirname(document), target) }))
    .filter(({ target }) => !/^[a-z]+:/.test(target));
}

/** The titles of a file's tests, as in its source: `test("…"` and `test.for([…])("…"`, but no `describe`. */
function titlesOf(path: string): ReadonlySet<string | undefined> {
  const titles = readFileSync(path, "utf8").matchAll(/(?:\btest|\))\(\s*"((?:[^"\\]|\\.)+)"/g);
  return new Set([...titles].map(([, title]) => title));
}

test.each(DOCUMENTS)("the links of %s lead to files", (document) => {
  expect(linksOf(document).filter(({ path }) => !existsSync(path))).toEqual([]);
});

test("docs/outcomes.md names functions that are defined in the file that it links to", () => {
  const functions = linksOf("docs/outcomes.md").filter(
    ({ label, target, path }) => label.startsWith("`") && target.includes("/src/") && existsSync(path),
  );
  const missing = functions.filter(({ label, path }) => {
    const definition = new RegExp(`\\b(function\\*? |const |async |    )${label.slice(1, -1)}\\b`);
    return !definition.test(readFileSync(path, "utf8"));
  });
  expect(missing).toEqual([]);
  expect(functions.length).toBeGreaterThan(20);
});

test.each(["docs/outcomes.md", "docs/security.md"])(
  "%s names tests that are in the file that it links to",
  (document) => {
    const tests = linksOf(document).filter(
      ({ target, path }) => target.includes("test/") && existsSync(path),
    );
    const missing = tests.filter(({ label, path }) => !titlesOf(path).has(label));
    expect(missing).toEqual([]);
    expect(tests.length).toBeGreaterThan(20);
  },
);
