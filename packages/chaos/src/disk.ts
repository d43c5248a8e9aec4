import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { guard } from "@dossier/embedded";

const run = promisify(execFile);

/** A disk so small that it can be filled. */
export interface Disk extends AsyncDisposable {
  /** A folder on it. */
  readonly dir: string;
  fill(): Promise<void>;
  free(): Promise<void>;
}

const SIZE = "1g";
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Mounts a small disk; `undefined` where this user may not. */
export async function mountDisk(): Promise<Disk | undefined> {
  const mount = await mkdtemp(join(tmpdir(), "dossier-chaos-disk-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", mount]);
  } catch {
    await rm(mount, { recursive: true });
    return undefined;
  }
  const dismiss = guard('sleep 3; umount -l "$1"; rmdir "$1"', mount);
  const dir = join(mount, "data");
  await mkdir(dir);
  const ballast = join(mount, "ballast");
  return {
    dir,
    async fill() {
      const file = await open(ballast, "w");
      try {
        for (let room = await roomOn(mount); room > 0; room = await roomOn(mount)) {
          await file.write(Buffer.alloc(Math.min(room, CHUNK_BYTES))).catch(unlessFull);
        }
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      await run("umount", ["-l", mount]);
      await rm(mount, { recursive: true, force: true });
      dismiss();
    },
  };
}

async function roomOn(mount: string): Promise<number> {
  const { bavail, bsize } = await statfs(mount);
  return bavail * bsize;
}

/** Somebody else may have taken the room meanwhile. */
function unlessFull(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
}
