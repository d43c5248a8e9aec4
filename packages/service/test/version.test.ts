import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { version } from "../src/index.ts";

test("every package has the version that the services report", () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const manifests = globSync(["package.json", "packages/*/package.json"], { cwd: root });
  expect(manifests.length).toBeGreaterThan(5);
  const versions = manifests.map((path) => [
    path,
    JSON.parse(readFileSync(`${root}/${path}`, "utf8")).version,
  ]);
  expect(versions).toEqual(manifests.map((path) => [path, version]));
});
