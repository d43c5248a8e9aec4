import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, open, rm, statfs, truncate, writeFile } from "node:fs/promises";
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

const SIZE_BYTES = 1024 ** 3;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Mounts a small disk. Returns `undefined` if this user may not mount one. */
export async function mountSmallDisk(): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "dossier-chaos-disk-"));
  const image = join(folder, "image");
  const mount = join(folder, "mount");
  await mkdir(mount);
  await writeFile(image, "");
  await truncate(image, SIZE_BYTES);
  try {
    // Nothing is reserved for root, who fills it. In memory it would count against the limit that a run may have.
    await run("mkfs.ext4", ["-q", "-m", "0", image]);
    await run("mount", ["-o", "loop", image, mount]);
  } catch {
    await rm(folder, { recursive: true });
    return undefined;
  }
  await chmod(folder, 0o755);
  const dismissGuard = guard('sleep 3; umount -l "$1/mount"; rm -r "$1"', folder);
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
      await rm(folder, { recursive: true, force: true });
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
