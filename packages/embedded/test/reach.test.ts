import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { reachableCopy } from "../src/reach.ts";

/** Any user but root. */
const USER = { uid: 65_534, gid: 65_534 };

/** Creates a folder with a program, below a folder of this mode. */
async function createPrograms(mode: number): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), "dossier-test-reach-"));
  onTestFinished(() => rm(parent, { recursive: true }));
  const folder = join(parent, "programs");
  await mkdir(folder, { mode: 0o700 });
  await writeFile(join(folder, "hello"), "#!/bin/sh\necho hello\n", { mode: 0o700 });
  await chmod(parent, mode);
  return folder;
}

test("programs that a user cannot reach are copied once to where that user can run them", async (context) => {
  context.skip(process.getuid?.() !== 0, "only root runs programs as another user");
  const folder = await createPrograms(0o700);
  const name = basename(join(folder, ".."));
  const copy = await reachableCopy(USER, folder, name);
  onTestFinished(() => rm(copy, { recursive: true }));
  const run = promisify(execFile)(join(copy, "hello"), [], { ...USER, cwd: "/" });
  expect((await run).stdout).toBe("hello\n");
  const { ino } = await stat(copy);
  expect(await reachableCopy(USER, folder, name)).toBe(copy);
  expect((await stat(copy)).ino).toBe(ino);
});

test("programs that a user can reach are used where they are", async (context) => {
  context.skip(process.getuid?.() !== 0, "only root runs programs as another user");
  const folder = await createPrograms(0o755);
  await chmod(folder, 0o755);
  expect(await reachableCopy(USER, folder, "unused")).toBe(folder);
  expect(existsSync("/var/lib/dossier/unused")).toBe(false);
});
