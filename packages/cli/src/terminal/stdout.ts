import { pipeline } from "node:stream/promises";

let brokenPipe: Error | undefined;

/**
 * Lets the reader of stdout stop early, as `| head` does, without a failure: the command goes on to its end, since its
 * other effects may be half done, and further output is dropped.
 */
export function ignoreBrokenPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    brokenPipe = error;
  });
}

/** Writes output that may be long to stdout, with backpressure; stops when the reader has gone. */
export async function writeStdout(chunks: Iterable<string> | AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(chunks, process.stdout, { end: false });
  } catch (error) {
    if (error !== brokenPipe) throw error;
  }
}
