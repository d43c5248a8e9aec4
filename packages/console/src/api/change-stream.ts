import type { Change, ChangePage, ChangeWatch } from "@dossier/store";
import { abortedAfter } from "./deadline.ts";

interface ChangeStream {
  readonly first: ChangePage;
  readonly read: (after: bigint) => Promise<ChangePage>;
  readonly watch: ChangeWatch;
  /** Any of these, aborted, ends the stream. */
  readonly ended: readonly AbortSignal[];
  readonly heartbeatSeconds: number;
  /** Told of what ended the stream before its time. */
  readonly onBroken: (error: unknown) => void;
}

/** Changes as Server-Sent Events. Nothing is read before the client has taken what was read before. */
export function changeStream(parts: ChangeStream): Response {
  return new Response(ReadableStream.from(frames(parts)), {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // To nginx: pass on each event as it comes.
      "x-accel-buffering": "no",
    },
  });
}

async function* frames({
  first,
  read,
  watch,
  ended,
  heartbeatSeconds,
  onBroken,
}: ChangeStream): AsyncGenerator<Uint8Array> {
  const live = () => !ended.some(({ aborted }) => aborted);
  try {
    for (let page = first; live(); page = await read(page.next)) {
      for (const change of page.changes) yield frame(change);
      if (page.changes.length > 0) continue;
      while (live() && !(await grows(page.next))) yield HEARTBEAT;
    }
  } catch (error) {
    // A stream that fails would be cut off in the middle of an event.
    onBroken(error);
  }

  async function grows(position: bigint): Promise<boolean> {
    using silence = abortedAfter(heartbeatSeconds * 1_000, ended);
    return await watch.waitBeyond(position, silence.signal);
  }
}

const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(": alive\n\n");

function frame(change: Change): Uint8Array {
  const data = JSON.stringify({ ...change, position: Number(change.position) });
  return encoder.encode(`id: ${change.position}\nevent: change\ndata: ${data}\n\n`);
}
