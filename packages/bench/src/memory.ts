import { readFile } from "node:fs/promises";
import type { Redis } from "ioredis";
import { processesOf } from "./cpu.ts";

/**
 * Returns the megabytes of memory that a process and its children hold, what they share counted once; `NaN` where there
 * is no /proc.
 */
export async function readMegabytes(pid: number | undefined): Promise<number> {
  const pids = await processesOf(pid);
  const kilobytes = await Promise.all(
    pids.map(async (each) => {
      const text = await readFile(`/proc/${each}/smaps_rollup`, "utf8").catch(() => "");
      // It may have ended meanwhile.
      return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
    }),
  );
  const sum = kilobytes.reduce((total, one) => total + one, 0);
  return sum === 0 ? Number.NaN : (sum * 1_024) / 1e6;
}

/** Returns the bytes that a Redis uses for its data. */
export async function usedMemory(client: Redis): Promise<number> {
  return Number(/used_memory_dataset:(\d+)/.exec(await client.info("memory"))?.[1]);
}
