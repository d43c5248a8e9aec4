import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * By how much live bytes may grow after the warm-up. They differ by what is under way when they are counted; the
 * bodies of 100,000 cases would be some 400 MiB.
 */
export const GROWTH_BYTES = 128 * 2 ** 20;

/** Bytes that this process's objects and buffers take when all garbage is collected. */
export function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
