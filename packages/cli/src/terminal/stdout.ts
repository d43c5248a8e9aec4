import { pipeline } from "node:stream/promises";

let readerGone: Error | undefined;

/**
 * Who reads may have read enough, as `| head` has: that is no failure. The command goes on to its end, as what it does
 * besides may be half done; what it prints from then on is lost.
 */
export function letReadersLeave(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    readerGone = error;
  });
}

/** Prints what may be long, no faster than it is read; ends early when nobody reads on. */
export async function print(lines: Iterable<string> | AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(lines, process.stdout, { end: false });
  } catch (error) {
    if (error !== readerGone) throw error;
  }
}
