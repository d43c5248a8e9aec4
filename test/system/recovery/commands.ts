import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Scope } from "@dossier/testing";
import { PROGRAMS } from "./postgres.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** Returns the shell commands under a heading of the runbook, block by block. */
export function commandsUnder(heading: string): readonly string[] {
  const [, part] = readFileSync(join(ROOT, "docs/runbook.md"), "utf8").split(`\n### ${heading}\n`);
  const [own = ""] = part?.split(/^##/m) ?? [];
  const blocks = [...own.matchAll(/^( *)```sh\n(.*?)^ *```$/gms)].map(([, indent, block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  if (blocks.length === 0) throw new Error(`the runbook has no commands under "${heading}"`);
  return blocks;
}

export type Environment = Readonly<Record<string, string>>;

export interface Shell {
  readonly folder: string;
  /** Runs commands as an operator would, in one folder. Rejects if one fails. Returns what they print. */
  run(commands: string, env: Environment): Promise<string>;
}

/** Opens a shell whose PATH has `dossier` and Debian's programs of Postgres. */
export async function openShell(scope: Scope): Promise<Shell> {
  const folder = await mkdtemp(join(tmpdir(), "dossier-recovery-"));
  scope.onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const dossier = join(folder, "dossier");
  const main = join(ROOT, "packages/cli/src/main.ts");
  await writeFile(dossier, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  await chmod(dossier, 0o755);
  const path = [folder, PROGRAMS, process.env["PATH"]].join(":");
  return {
    folder,
    async run(commands, env) {
      const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", commands], {
        cwd: folder,
        env: { PATH: path, HOME: folder, ...env },
      });
      return stdout;
    },
  };
}
