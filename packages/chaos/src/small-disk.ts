import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { guard } from "@dossier/embedded";

const run = promisify(execFile);

/** A disk that is small enough to be filled. */
export interface SmallDisk extends AsyncDisposable {
  /** An empty folder on it. */
  readonly dir: string;
  fill(): Promise<void>;
  /** Frees what `fill` took. */
  free(): Promise<void>;
}

const SIZE = "1g";
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Mounts a small disk. Returns `undefined` if this user may not mount one. */
export async function mountSmallDisk(): Promise<SmallDisk | undefined> {
  const mount = await mkdtemp(join(tmpdir(), "dossier-chaos-disk-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", mount]);
  } catch {
    await rm(mount, { recursive: true });
    return undefined;
  }
  const dismissGuard = guard('sleep 3; umount -l "$1"; rmdir "$1"', mount);
  const dir = join(mount, "data");
  await mkdir(dir);
  const ballast = join(mount, "ballast");
  return {
    dir,
    async fill() {
      const file = await open(ballast, "w");
      try {
        for (let free = await freeBytes(mount); free > 0; free = await freeBytes(mount)) {
          await file.write(Buffer.alloc(Math.min(free, CHUNK_BYTES))).catch(ignoreFullDisk);
        }
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      await run("umount", ["-l", mount]);
      await rm(mount, { recursive: true, force: true });
      dismissGuard();
    },
  };
}

async function freeBytes(mount: string): Promise<number> {
  const { bavail, bsize } = await statfs(mount);
  return bavail * bsize;
}

/** Postgres may have taken the free bytes since they were counted. */
function ignoreFullDisk(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
}
