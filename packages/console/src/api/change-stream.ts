import type { Change, ChangePage, ChangeWatch } from "@dossier/store";

export interface ChangeStreamOptions {
  readonly firstPage: ChangePage;
  readonly readPage: (after: bigint) => Promise<ChangePage>;
  readonly watch: ChangeWatch;
  /** The stream ends when any of these is aborted. */
  readonly endSignals: readonly AbortSignal[];
  readonly heartbeatSeconds: number;
  /** Called with the error that ended the stream. */
  readonly onError: (error: unknown) => void;
}

/** Answers changes as Server-Sent Events. Reads a page once the client has taken the page before it. */
export function changeStream(options: ChangeStreamOptions): Response {
  return new Response(ReadableStream.from(events(options)), {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Makes nginx pass on each event as it comes.
      "x-accel-buffering": "no",
    },
  });
}

async function* events({
  firstPage,
  readPage,
  watch,
  endSignals,
  heartbeatSeconds,
  onError,
}: ChangeStreamOptions): AsyncGenerator<Uint8Array> {
  const isOpen = () => !endSignals.some(({ aborted }) => aborted);
  const wait = (position: bigint) => waitForChange(watch, position, heartbeatSeconds, endSignals);
  try {
    for (let page = firstPage; isOpen(); page = await readPage(page.next)) {
      for (const change of page.changes) yield encodeChange(change);
      if (page.changes.length > 0) continue;
      while (isOpen() && !(await wait(page.next))) yield HEARTBEAT;
    }
  } catch (error) {
    // Not rethrown: the client would get part of an event.
    onError(error);
  }
}

const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(": alive\n\n");

function encodeChange(change: Change): Uint8Array {
  const data = JSON.stringify({ ...change, position: Number(change.position) });
  return encoder.encode(`id: ${change.position}\nevent: change\ndata: ${data}\n\n`);
}

/** Returns whether the feed went beyond `position` before the time was over or one of the signals was aborted. */
export async function waitForChange(
  watch: ChangeWatch,
  position: bigint,
  seconds: number,
  endSignals: readonly AbortSignal[],
): Promise<boolean> {
  // AbortSignal.timeout() would keep its timer until the time is over, however soon the change comes.
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), seconds * 1_000);
  try {
    return await watch.waitBeyond(position, AbortSignal.any([timeout.signal, ...endSignals]));
  } finally {
    clearTimeout(timer);
  }
}
