import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { parse } from "yaml";

const ROOT = join(import.meta.dirname, "../../..");

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

interface Sbom {
  readonly bomFormat: string;
  readonly components: readonly {
    readonly name: string;
    readonly group?: string;
    readonly version: string;
  }[];
}

/** The packages that ours name as their dependencies, with the exact versions of the catalog. */
function directDependencies(): readonly string[] {
  const { catalog } = parse(read("pnpm-workspace.yaml")) as { catalog: Readonly<Record<string, string>> };
  const manifests = globSync("packages/*/package.json", { cwd: ROOT }).map(
    (path) => JSON.parse(read(path)) as { dependencies?: Readonly<Record<string, string>> },
  );
  const entries = manifests.flatMap(({ dependencies = {} }) => Object.entries(dependencies));
  return entries
    .filter(([, version]) => !version.startsWith("workspace:"))
    .map(([name, version]) => `${name}@${version === "catalog:" ? catalog[name] : version}`);
}

test("npm run sbom lists each direct dependency of production as CycloneDX", async () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: { sbom: string } };
  const [, command = ""] = /^node bootstrap\.mjs (pnpm sbom .+) --out \S+$/.exec(scripts.sbom) ?? [];
  const [file = "", ...args] = command.split(" ");
  const { stdout } = await promisify(execFile)(file, [...args, "--lockfile-only"], {
    cwd: ROOT,
    maxBuffer: 2 ** 26,
  });
  const { bomFormat, components } = JSON.parse(stdout) as Sbom;
  expect(bomFormat).toBe("CycloneDX");
  const listed = new Set(
    components.map(
      ({ group, name, version }) => `${group === undefined ? "" : `${group}/`}${name}@${version}`,
    ),
  );
  const direct = directDependencies();
  expect(direct.length).toBeGreaterThan(20);
  expect(direct.filter((dependency) => !listed.has(dependency))).toEqual([]);
});

test("packages are three days old, named if they run scripts, and from the registry alone", () => {
  const settings = parse(read("pnpm-workspace.yaml")) as Readonly<Record<string, unknown>>;
  expect(settings).toMatchObject({
    minimumReleaseAge: 4_320,
    strictDepBuilds: true,
    blockExoticSubdeps: true,
  });
  expect(settings).not.toHaveProperty("minimumReleaseAgeExclude");
  expect(settings).not.toHaveProperty("dangerouslyAllowAllBuilds");
  const exotic = read("pnpm-lock.yaml").match(/^ +(resolution: \{(?!integrity: sha512-).*|tarball: .*)$/gm);
  expect(exotic).toBeNull();
});
