import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const INSTALLED = ["node_modules", ".runtime"];
const DOCUMENTS = globSync("**/*.md", {
  cwd: ROOT,
  exclude: (path) => INSTALLED.includes(basename(path)),
});
const LINK = /\[([^\]]+)\]\(([^)#\s]*)(?:#([^)]*))?\)/g;

/** A link of a document to a file of this repository, or to a part of one. */
interface Link {
  readonly label: string;
  readonly target: string;
  readonly part: string | undefined;
  readonly path: string;
}

function linksOf(document: string): readonly Link[] {
  const links = readFileSync(join(ROOT, document), "utf8").matchAll(LINK);
  return [...links]
    .map(([, label = "", target = "", part]) => {
      const path = target === "" ? join(ROOT, document) : join(ROOT, dirname(document), target);
      return { label, target, part, path };
    })
    .filter(({ target }) => !/^[a-z]+:/.test(target));
}

/** The names that a document's headings have in links to them. */
function partsOf(path: string): readonly string[] {
  const headings = readFileSync(path, "utf8").matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The titles of a file's tests, as in its source: `test("…"` and `test.for([…])("…"`, but no `describe`. */
function titlesOf(path: string): ReadonlySet<string | undefined> {
  const titles = readFileSync(path, "utf8").matchAll(/(?:\btest|\))\(\s*"((?:[^"\\]|\\.)+)"/g);
  return new Set([...titles].map(([, title]) => title));
}

test.each(DOCUMENTS)("the links of %s lead to files, and to parts that they have", (document) => {
  const wrong = linksOf(document).filter(
    ({ path, part }) =>
      !existsSync(path) || (part !== undefined && path.endsWith(".md") && !partsOf(path).includes(part)),
  );
  expect(wrong).toEqual([]);
});

test("the README is short, and the index of the documents leads to each of them", () => {
  expect(readFileSync(join(ROOT, "README.md"), "utf8").split("\n").length).toBeLessThan(150);
  const indexed = linksOf("docs/README.md").map(({ path }) => path);
  const all = globSync("docs/{*,how-to/*}.md", { cwd: ROOT }).map((path) => join(ROOT, path));
  expect(all.filter((path) => !indexed.includes(path))).toEqual([join(ROOT, "docs/README.md")]);
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

test("docker-compose.yml names the image by this version, so that an upgrade keeps the one before", () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  const compose = readFileSync(join(ROOT, "docker-compose.yml"), "utf8");
  expect(compose).toContain(`\${DOSSIER_VERSION:-${version}}`);
});
