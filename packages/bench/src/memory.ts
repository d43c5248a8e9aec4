import { readFile } from "node:fs/promises";

/** Returns the megabytes of memory that a process holds; `NaN` where there is no /proc. */
export async function readMegabytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1_024;
}
