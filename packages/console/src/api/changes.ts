import { readChanges, watchChanges, type Change, type Pool } from "@dossier/store";
import { Hono, type Context } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import { limit, read } from "./input.ts";

const position = z
  .string()
  .regex(/^\d{1,18}$/, "must be a position: a whole number, 0 for the beginning")
  .transform(BigInt);

/** Seconds that a request may wait for a change: less than proxies and the server itself let a connection be silent. */
const MAX_WAIT_SECONDS = 60;
/** Silence after which a stream says that it is alive. */
const HEARTBEAT_MS = 15_000;

const query = z.object({
  after: position.default(0n),
  limit,
  wait: z.coerce
    .number("must be a number of seconds")
    .min(0, "must be 0 or more")
    .max(MAX_WAIT_SECONDS, `must be ${MAX_WAIT_SECONDS} or less`)
    .default(0),
});

/**
 * The change feed: every change of every person in commit order, resumable from any position. As pages, which may
 * wait for the next change, or as a stream of Server-Sent Events, whose ids are the positions.
 */
export function changesRoute(pool: Pool, stopping: AbortSignal): Hono {
  const watch = watchChanges(pool);

  async function page(c: Context): Promise<Response> {
    const { after, limit, wait } = read(query, c.req.query());
    let { changes, next } = await readChanges(pool, { after, limit });
    if (changes.length === 0 && wait > 0) {
      const enough = AbortSignal.any([c.req.raw.signal, stopping, AbortSignal.timeout(wait * 1_000)]);
      if (await watch.beyond(after, enough)) ({ changes, next } = await readChanges(pool, { after, limit }));
    }
    return c.json({ items: changes.map(shown), next: Number(next) });
  }

  function stream(c: Context): Response {
    const { limit, after } = read(query, c.req.query());
    const lastEventId = c.req.header("last-event-id");
    let position = lastEventId === undefined ? after : read(query, { after: lastEventId }).after;
    return streamSSE(c, async (sse) => {
      const ended = AbortSignal.any([c.req.raw.signal, stopping]);
      while (!ended.aborted && !sse.aborted) {
        const { changes, next } = await readChanges(pool, { after: position, limit });
        for (const change of changes) {
          await sse.writeSSE({
            id: String(change.position),
            event: "change",
            data: JSON.stringify(shown(change)),
          });
        }
        position = next;
        if (changes.length > 0) continue;
        const silent = AbortSignal.any([ended, AbortSignal.timeout(HEARTBEAT_MS)]);
        if (!(await watch.beyond(position, silent))) await sse.write(": alive\n\n");
      }
    });
  }

  return new Hono().get("/", (c) =>
    c.req.header("accept")?.includes("text/event-stream") ? stream(c) : page(c),
  );
}

function shown(change: Change): unknown {
  return { ...change, position: Number(change.position) };
}
