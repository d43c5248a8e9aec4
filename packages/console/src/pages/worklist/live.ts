import { EventEmitter, once } from "node:events";
import { finished } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { problem } from "@dossier/service";
import type { Context } from "hono";
import type { PageEnv } from "../page.ts";

/** Parts of a page as HTML, by their names. */
type Parts = Readonly<Record<string, string>>;

export interface LiveOptions {
  /** Reads the parts as they are now. It is called for all readers together, and only while there is one. */
  readonly read: () => Promise<Parts>;
  /** Called with each error of a read. The streams stay open, and the next read follows. */
  readonly onError: (error: unknown) => void;
  /** Whether the reader of a stream is still signed in. */
  readonly isSignedIn: (c: Context<PageEnv>) => Promise<boolean>;
  /** Ends all streams. */
  readonly shutdownSignal: AbortSignal;
  /** Default: `READ_EVERY_MS`. */
  readonly readEveryMs?: number;
}

export const EVENTS_PATH = "/worklist/events";

/** A person does not see what takes less. A shorter time costs Postgres more. */
export const READ_EVERY_MS = 2_000;

/** Each holds one event at most, of some 20 KiB. */
const MAX_STREAMS = 200;

const RETRY_AFTER_SECONDS = 30;

/**
 * Returns a handler that streams a page's parts as Server-Sent Events. All streams share one read. A reader gets the
 * newest parts once it has taken the event before, and those alone that have changed since.
 */
export function liveParts({
  read,
  onError,
  isSignedIn,
  shutdownSignal,
  readEveryMs = READ_EVERY_MS,
}: LiveOptions) {
  const reads = new EventEmitter<{ read: [Parts | undefined] }>().setMaxListeners(MAX_STREAMS);
  let streams = 0;
  let isReading = false;

  async function readWhileWanted(): Promise<void> {
    if (isReading) return;
    isReading = true;
    while (streams > 0 && !shutdownSignal.aborted) {
      reads.emit("read", await orUndefined(read()));
      // An abort ends the wait, and with it the loop.
      await delay(readEveryMs, undefined, { signal: shutdownSignal }).catch(() => undefined);
    }
    isReading = false;
  }

  async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
    try {
      return await promise;
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  async function* events(c: Context<PageEnv>): AsyncGenerator<Uint8Array, void> {
    const signal = AbortSignal.any([c.req.raw.signal, shutdownSignal]);
    let sent: Parts = {};
    for (;;) {
      const parts = await nextRead(signal);
      if (parts === "aborted") return;
      const isIn = parts !== undefined && (await orUndefined(isSignedIn(c)));
      if (parts === undefined || isIn === undefined) {
        yield encode("unavailable", {});
        continue;
      }
      if (!isIn) {
        yield encode("signed-out", {});
        return;
      }
      const changed = Object.entries(parts).filter(([name, part]) => sent[name] !== part);
      sent = parts;
      yield encode("parts", Object.fromEntries(changed));
    }
  }

  async function nextRead(signal: AbortSignal): Promise<Parts | undefined | "aborted"> {
    try {
      const [parts] = (await once(reads, "read", { signal })) as [Parts | undefined];
      return parts;
    } catch {
      // Nothing else rejects.
      return "aborted";
    }
  }

  return (c: Context<PageEnv>): Response => {
    if (streams >= MAX_STREAMS)
      return problem(
        503,
        "too-many-streams",
        `The console serves ${MAX_STREAMS} live pages at the same time.`,
        {
          headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
        },
      );
    streams++;
    // Calls back also if the reader has gone already, as no event would.
    finished(c.env.outgoing, () => streams--);
    const body = ReadableStream.from(events(c));
    void readWhileWanted();
    return new Response(body, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        // Makes nginx pass on each event as it comes.
        "x-accel-buffering": "no",
      },
    });
  };
}

const encoder = new TextEncoder();

function encode(event: "parts" | "unavailable" | "signed-out", data: Parts): Uint8Array {
  return encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
