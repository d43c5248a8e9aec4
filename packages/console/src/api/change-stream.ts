import { formatCursor, type Change, type ChangePage, type ChangeWatch, type Cursor } from "@dossier/store";
import { maskData } from "./personal-data.ts";

/** A page as its events are sent. Unlike parsed changes, it takes no more memory than it has bytes. */
export interface EncodedPage {
  /** Empty at the feed's end. */
  readonly events: Uint8Array;
  readonly next: Cursor;
}

export interface ChangeStreamOptions {
  readonly firstPage: EncodedPage;
  readonly readPage: (after: Cursor) => Promise<EncodedPage | "position-unknown">;
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
    let page: EncodedPage | "position-unknown" = firstPage;
    while (isOpen() && page !== "position-unknown") {
      const { events, next }: EncodedPage = page;
      if (events.length > 0) yield events;
      else while (isOpen() && !(await wait(next.position))) yield HEARTBEAT;
      page = await readPage(next);
    }
  } catch (error) {
    // Not rethrown: the client would get part of an event.
    onError(error);
  }
}

const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(": alive\n\n");

/**
 * @param after where the page begins
 * @param isShown whether personal data is shown; else it is masked
 */
export function encodePage({ changes, next }: ChangePage, after: Cursor, isShown: boolean): EncodedPage {
  const events = changes.map((change) => formatEvent(isShown ? change : maskData(change)));
  // So that a reader whose filter lets nothing through resumes here too.
  if (next.position > after.position && changes.at(-1)?.position !== next.position)
    events.push(`id: ${formatCursor(next)}\n\n`);
  return { events: encoder.encode(events.join("")), next };
}

function formatEvent(change: Change): string {
  return `id: ${formatCursor(change)}\nevent: change\ndata: ${JSON.stringify(formatChange(change))}\n\n`;
}

/** Returns a change as the API answers it. */
export function formatChange({ check, ...change }: Change) {
  const { position } = change;
  return { ...change, position: Number(position), cursor: formatCursor({ position, check }) };
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
