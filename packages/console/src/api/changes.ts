import { readChanges, watchChanges, type ChangePage, type Pool } from "@dossier/store";
import { z } from "zod";
import { utc } from "./answers.ts";
import { changeStream } from "./change-stream.ts";
import { abortedAfter } from "./deadline.ts";
import { operation, type Operation } from "./operation.ts";
import { decimal, limit } from "./parameters.ts";

/** Seconds that a request may wait: less than proxies and the server itself let a connection be silent. */
const MAX_WAIT_SECONDS = 60;

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

const told = z.object({
  position: z.int().min(1).describe("Its place in the feed: counts from 1, without a gap."),
  entityId: z.string(),
  event: z.string(),
  id: z.string(),
  creationTimeUtc: utc,
  receivedAt: utc,
  deliveryId: z.uuid(),
});

const change = z
  .discriminatedUnion("kind", [
    told.extend({ kind: z.literal("event"), data: z.record(z.string(), z.unknown()) }),
    told.extend({ kind: z.literal("earlier-time") }),
  ])
  .describe("A new event of a person, or an earlier time for one that was known.")
  .meta({ id: "Change" });

const changePage = z
  .object({
    items: z.array(change),
    next: z.int().min(0).describe("The `after` to go on with."),
  })
  .meta({ id: "ChangePage" });

/** Silence after which a stream says that it is alive: less than proxies let a connection be silent. */
const HEARTBEAT_SECONDS = 15;

export interface ChangesParts {
  readonly pool: Pool;
  /** Aborted when the console begins to shut down: nobody waits any longer. */
  readonly shutdownSignal: AbortSignal;
  /** Told of what ended a stream before its time: it is too late for a problem. */
  readonly onBroken: (error: unknown) => void;
  readonly heartbeatSeconds?: number | undefined;
}

/** The change feed: as pages, which may wait for the next change, or as a stream of Server-Sent Events. */
export function changesOperation({
  pool,
  shutdownSignal,
  onBroken,
  heartbeatSeconds = HEARTBEAT_SECONDS,
}: ChangesParts): Operation {
  const watch = watchChanges(pool);
  return operation({
    method: "get",
    path: "/changes",
    summary: "Follow every change of every person",
    description:
      "In the order of commits, none skipped, resumable from any position: a reader that keeps `next` in one transaction with what it made of the items takes each change exactly once.",
    stream:
      "Each change as an event `change`, whose id is its position and whose data is a `Change`. A comment comes when nothing else has for 15 seconds. An outage ends the stream: come back with `Last-Event-ID`.",
    input: {
      query: z.strictObject({
        after: position.prefault(0).describe("The last position that was read; 0 for the beginning."),
        limit: limit.describe("How many changes a page has at the most; a stream reads as many at a time."),
        wait: wait.describe("Seconds to wait for a change where there is none yet; a stream never ends."),
      }),
      header: z.object({
        "last-event-id": position.optional().describe("Of a stream that broke: counts instead of `after`."),
      }),
    },
    answer: changePage,
    async handle({ query: { after, limit, wait }, header }, c) {
      const gone = c.req.raw.signal;
      const read = (position: bigint) => readChanges(pool, { after: position, limit });
      if (c.req.header("accept")?.includes("text/event-stream")) {
        const first = await read(header["last-event-id"] ?? after);
        return changeStream({
          first,
          read,
          watch,
          ended: [gone, shutdownSignal],
          heartbeatSeconds,
          onBroken,
        });
      }
      let page = await read(after);
      if (page.changes.length === 0 && wait > 0) {
        using enough = abortedAfter(wait * 1_000, [gone, shutdownSignal]);
        if (await watch.waitBeyond(after, enough.signal)) page = await read(after);
      }
      return shown(page);
    },
  });
}

function shown({ changes, next }: ChangePage) {
  return {
    items: changes.map((one) => ({ ...one, position: Number(one.position) })),
    next: Number(next),
  };
}
