import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, cp, mkdir, realpath, rename, rm, rmdir, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

// Postgres refuses to run as root, and no other user reaches anything under root's home. What its user cannot reach is
// kept elsewhere, so that it needs none of root's capabilities.

const execute = promisify(execFile);

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Where what a user cannot reach is kept: root alone writes to it, and everybody may search it. */
const REACHABLE = "/var/lib/dossier";

/**
 * Returns a folder's real path if the user can search all that is above it. If not, and it is empty, puts in its place a
 * link to a new folder that the user can reach, and returns that one.
 */
export async function reachableFolder(user: User, folder: string): Promise<string> {
  const path = await realpath(folder);
  if (await canReach(user, join(path, ".."))) return path;
  const target = join(REACHABLE, randomUUID());
  await explainFailure(path, async () => {
    await openReachable();
    // Fails if the folder is not empty: then its data would be left behind.
    await rmdir(path);
    await mkdir(target);
    await symlink(target, path);
  });
  return target;
}

/** Returns a folder of programs if the user can reach it, else its copy that the user can reach, made if missing. */
export async function reachableCopy(user: User, folder: string, name: string): Promise<string> {
  if (await canReach(user, folder)) return folder;
  const copy = join(REACHABLE, name);
  await explainFailure(folder, async () => {
    if (await stat(copy).catch(() => undefined)) return;
    await openReachable();
    const draft = join(REACHABLE, randomUUID());
    await cp(folder, draft, { recursive: true, verbatimSymlinks: true });
    await execute("chmod", ["-R", "go+rX", draft]);
    // Another process may have made it meanwhile.
    await rename(draft, copy).catch(() => rm(draft, { recursive: true }));
  });
  return copy;
}

async function openReachable(): Promise<void> {
  await mkdir(REACHABLE, { recursive: true });
  // Whatever the umask is.
  await chmod(REACHABLE, 0o755);
}

async function explainFailure(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Postgres does not run as root, and its user cannot reach ${path} (${reason}): run this as another user, or in a folder that every user may search, such as one in /opt`,
      { cause },
    );
  }
}

async function canReach(user: User, folder: string): Promise<boolean> {
  return execute("sh", ["-c", 'test -x "$1"', "sh", folder], { ...user, cwd: "/" }).then(
    () => true,
    () => false,
  );
}
