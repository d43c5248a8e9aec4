import { finished } from "node:stream";
import { STATUSES } from "@dossier/events";
import { problem } from "@dossier/service";
import {
  FEED_START,
  formatCursor,
  parseCursor,
  readChanges,
  watchChanges,
  type ChangePage,
  type Cursor,
  type Pool,
} from "@dossier/store";
import { z } from "zod";
import { utc } from "./answers.ts";
import { changeStream, encodePage, formatChange, waitForChange } from "./change-stream.ts";
import { operation, type Operation } from "./operation.ts";
import { decimal, limit, MAX_LIMIT, text } from "./parameters.ts";
import { maskData } from "./personal-data.ts";

const OPERATION_ID = "listChanges";

/** Less than the 60 s for which most proxies let a connection be silent. */
const MAX_WAIT_SECONDS = 55;

/** Less than the time for which proxies let a connection be silent. */
const HEARTBEAT_SECONDS = 15;

/**
 * Streams at the same time. A client that reads nothing holds a page each, of at most two changes' bodies: together 200
 * MiB, of the 1 GiB that the console may have in compose.
 */
const MAX_STREAMS = 100;

const RETRY_AFTER_SECONDS = 30;

const feedCursor = z.string().transform((value, context): Cursor => {
  const cursor = value === "" ? FEED_START : parseCursor(value);
  if (cursor !== undefined) return cursor;
  context.addIssue({ code: "custom", message: "is not a cursor of this feed" });
  return z.NEVER;
});

const wait = decimal(
  z
    .number("must be a number of seconds")
    .min(0, "must be 0 or more")
    .max(MAX_WAIT_SECONDS, `must be ${MAX_WAIT_SECONDS} or less`)
    .default(0),
);

const status = z.enum(STATUSES).describe("The person's status after the commit.");

const changedPerson = z.object({
  position: z.int().min(1).describe("The change's number in the feed: counts from 1, without gaps."),
  cursor: z.string().describe("The `after` that continues behind this change."),
  entityId: z.string(),
});

const changedEvent = changedPerson.extend({
  status,
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
    changedPerson.extend({
      kind: z.literal("rebuilt"),
      status: status.nullable().describe("The person's status after it; `null` if there is no such person."),
      rebuiltAt: utc,
    }),
  ])
  .describe(
    "A person's new event, an earlier time of an event that is known, or a rebuild that changed the person's state.",
  )
  .meta({ id: "Change" });

const changePage = z
  .object({
    items: z.array(change).max(MAX_LIMIT),
    next: z
      .string()
      .describe(
        "The `after` of the next request: the last change that was looked at, whether it matched or not.",
      ),
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
  let streams = 0;
  return operation({
    method: "get",
    path: "/changes",
    operationId: OPERATION_ID,
    summary: "Follow every change of every person",
    role: "viewer",
    description:
      "In commit order, without gaps, and resumable from any change. A reader that stores `next` in the transaction that stores its own results handles each change exactly once. Large changes make shorter pages. With a filter, a page may be empty although others follow: the feed ends where `next` is `after`.",
    stream:
      "As a stream, each change is an event `change`; its id is its cursor and its data is a `Change`. A comment follows 15 seconds of silence. An outage ends the stream: reconnect with `Last-Event-ID`. While 100 streams are open, another one is answered 503 `too-many-streams`.",
    gone: "`position-unknown`: the feed does not have the change that the cursor points at, as the database was restored or replaced. Read all again, from the beginning.",
    input: {
      query: z.strictObject({
        after: feedCursor
          .prefault("")
          .describe("`next` or a change's `cursor`: what was read last. Default: the beginning."),
        limit: limit.describe("How many changes a page has at most; a stream reads as many at a time."),
        wait: wait.describe("How many seconds to wait if there is no change yet. A stream never ends."),
        entityId: text.optional().describe("Only this person's changes."),
        event: text.optional().describe("Only changes by events of this type."),
        status: z
          .enum(STATUSES, `must be one of ${STATUSES.join(", ")}`)
          .optional()
          .describe("Only changes after which the person has this status."),
      }),
      header: z.object({
        "last-event-id": feedCursor
          .optional()
          .describe(
            "The id of the last event of a stream that broke; used instead of `after`. Empty: the beginning.",
          ),
      }),
    },
    answer: changePage,
    async handle({ query: { after, limit, wait, ...filter }, header }, c) {
      const endSignals = [c.req.raw.signal, shutdownSignal];
      const readPage = (position: Cursor) => readChanges(pool, { after: position, limit }, filter);
      if (c.req.header("accept")?.includes("text/event-stream")) {
        if (streams >= MAX_STREAMS) return tooManyStreams();
        streams++;
        // Calls back also if the client has gone already, as no event would.
        finished(c.env.outgoing, () => streams--);
        const isShown = await c.get("disclose")(OPERATION_ID, filter.entityId);
        const readEncoded = async (position: Cursor) => {
          const page = await readPage(position);
          return page === "position-unknown" ? page : encodePage(page, position, isShown);
        };
        const firstPage = await readEncoded(header["last-event-id"] ?? after);
        if (firstPage === "position-unknown") return positionUnknown();
        return changeStream({
          firstPage,
          readPage: readEncoded,
          watch,
          endSignals,
          heartbeatSeconds,
          onError: onStreamError,
        });
      }
      const waitUntil = performance.now() + wait * 1_000;
      let page = await readPage(after);
      while (page !== "position-unknown" && page.changes.length === 0) {
        const seconds = (waitUntil - performance.now()) / 1_000;
        if (seconds <= 0 || !(await waitForChange(watch, page.next.position, seconds, endSignals))) break;
        page = await readPage(page.next);
      }
      return page === "position-unknown" ? positionUnknown() : formatPage(page);
    },
    personal: (answer, { query }) => ({
      subject: query.entityId,
      mask: () => ({ ...answer, items: answer.items.map(maskData) }),
    }),
  });
}

function positionUnknown(): Response {
  return problem(
    410,
    "position-unknown",
    "The feed does not have the change that the cursor points at, as the database was restored or replaced. Read all again, from the beginning.",
  );
}

function tooManyStreams(): Response {
  return problem(
    503,
    "too-many-streams",
    `The console serves ${MAX_STREAMS} streams at the same time, which bounds its memory. Close one, read pages with \`wait\` instead, or start another console.`,
    { headers: { "retry-after": String(RETRY_AFTER_SECONDS) } },
  );
}

function formatPage({ changes, next }: ChangePage) {
  return { items: changes.map(formatChange), next: formatCursor(next) };
}
