import { readChanges, watchChanges, type ChangePage, type Pool } from "@dossier/store";
import { z } from "zod";
import { count, utc } from "./answers.ts";
import { changeStream, waitForChange } from "./change-stream.ts";
import { operation, type Operation } from "./operation.ts";
import { decimal, limit } from "./parameters.ts";

/** Less than the time for which proxies and the server let a connection be silent. */
const MAX_WAIT_SECONDS = 60;

/** Less than the time for which proxies let a connection be silent. */
const HEARTBEAT_SECONDS = 15;

const position = decimal(
  z.int("must be a position: a whole number, 0 for the beginning").min(0, "must be 0 or more"),
).transform(BigInt);

const wait = decimal(
  z
    .number("must be a number of seconds")
    .min(0, "must be 0 or more")
    .max(MAX_WAIT_SECONDS, `must be ${MAX_WAIT_SECONDS} or less`)
    .default(0),
);

const changedEvent = z.object({
  position: z.int().min(1).describe("The change's number in the feed: counts from 1, without gaps."),
  entityId: z.string(),
  event: z.string(),
  id: z.string(),
  creationTimeUtc: utc,
  receivedAt: utc,
  deliveryId: z.uuid(),
});

const change = z
  .discriminatedUnion("kind", [
    changedEvent.extend({ kind: z.literal("event"), data: z.record(z.string(), z.unknown()) }),
    changedEvent.extend({ kind: z.literal("earlier-time") }),
  ])
  .describe("A person's new event, or an earlier time of an event that is known.")
  .meta({ id: "Change" });

const changePage = z
  .object({
    items: z.array(change),
    next: count.describe("The `after` of the next request."),
  })
  .meta({ id: "ChangePage" });

export interface ChangesOptions {
  readonly pool: Pool;
  /** Aborted when the console begins to shut down: then nothing waits any longer. */
  readonly shutdownSignal: AbortSignal;
  /** Called with the error that ended a stream, after which no problem can be answered. */
  readonly onStreamError: (error: unknown) => void;
  /** How long a stream may be silent. Default 15. */
  readonly heartbeatSeconds?: number | undefined;
}

/** The change feed: as pages, which may wait for the next change, or as a stream of Server-Sent Events. */
export function changesOperation({
  pool,
  shutdownSignal,
  onStreamError,
  heartbeatSeconds = HEARTBEAT_SECONDS,
}: ChangesOptions): Operation {
  const watch = watchChanges(pool);
  return operation({
    method: "get",
    path: "/changes",
    summary: "Follow every change of every person",
    role: "viewer",
    description:
      "In commit order, without gaps, and resumable from any position. A reader that stores `next` in the transaction that stores its own results handles each change exactly once.",
    stream:
      "As a stream, each change is an event `change`; its id is its position and its data is a `Change`. A comment follows 15 seconds of silence. An outage ends the stream: reconnect with `Last-Event-ID`.",
    input: {
      query: z.strictObject({
        after: position.prefault(0).describe("The last position that was read; 0 for the beginning."),
        limit: limit.describe("How many changes a page has at most; a stream reads as many at a time."),
        wait: wait.describe("How many seconds to wait if there is no change yet. A stream never ends."),
      }),
      header: z.object({
        "last-event-id": position
          .optional()
          .describe("The id of the last event of a stream that broke; used instead of `after`."),
      }),
    },
    answer: changePage,
    async handle({ query: { after, limit, wait }, header }, c) {
      const endSignals = [c.req.raw.signal, shutdownSignal];
      const readPage = (position: bigint) => readChanges(pool, { after: position, limit });
      if (c.req.header("accept")?.includes("text/event-stream")) {
        const firstPage = await readPage(header["last-event-id"] ?? after);
        return changeStream({
          firstPage,
          readPage,
          watch,
          endSignals,
          heartbeatSeconds,
          onError: onStreamError,
        });
      }
      let page = await readPage(after);
      if (page.changes.length === 0 && wait > 0 && (await waitForChange(watch, after, wait, endSignals))) {
        page = await readPage(after);
      }
      return formatPage(page);
    },
  });
}

function formatPage({ changes, next }: ChangePage) {
  return {
    items: changes.map((change) => ({ ...change, position: Number(change.position) })),
    next: Number(next),
  };
}
