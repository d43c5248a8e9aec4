import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Scope } from "@dossier/testing";

export const ROOT = join(import.meta.dirname, "../../..");

/** Returns the shell commands of a document, block by block: those under one heading, or all. */
export function commandsIn(document: string, heading?: string): readonly string[] {
  const text = readFileSync(join(ROOT, document), "utf8");
  const part = heading === undefined ? text : (text.split(`\n### ${heading}\n`)[1]?.split(/^##/m)[0] ?? "");
  const blocks = [...part.matchAll(/^( *)```sh\n(.*?)^ *```$/gms)].map(([, indent, block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  if (blocks.length === 0) throw new Error(`${document} has no commands under "${heading}"`);
  return blocks;
}

export type Environment = Readonly<Record<string, string>>;

export interface Shell {
  /** A temporary one. */
  readonly folder: string;
  /** Runs commands as a reader of the document would. Rejects if one fails. Returns what they print. */
  run(commands: string, env: Environment): Promise<string>;
}

export interface ShellOptions {
  /** Where commands are run. Default: the temporary folder. */
  readonly cwd?: string;
  /** A folder of programs that come before those of the PATH. */
  readonly programs?: string | undefined;
  /** The folder with the command's code. Default: this one. */
  readonly code?: string;
}

/** Opens a shell whose PATH has `dossier`, and whose folder has `deploy`, as a clone has. */
export async function openShell(
  scope: Scope,
  { cwd, programs, code = ROOT }: ShellOptions = {},
): Promise<Shell> {
  const folder = await mkdtemp(join(tmpdir(), "dossier-documents-"));
  scope.onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(code, "deploy"), join(folder, "deploy"));
  const dossier = join(folder, "dossier");
  const main = join(code, "packages/cli/src/main.ts");
  await writeFile(dossier, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  await chmod(dossier, 0o755);
  const path = [folder, programs, process.env["PATH"]].filter((each) => each !== undefined).join(":");
  return {
    folder,
    async run(commands, env) {
      const { stdout } = await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", commands], {
        cwd: cwd ?? folder,
        env: { PATH: path, HOME: folder, ...env },
      });
      return stdout;
    },
  };
}
