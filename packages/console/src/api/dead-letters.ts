import type { DeliveryQueue } from "@dossier/queue";
import { describeError, type Logger } from "@dossier/service";
import {
  countDeadLetters,
  discard,
  findDeadLetter,
  listDeadLetters,
  pagesOfDeadLetters,
  redrive,
  rehearse,
  type Decision,
  type Pool,
  type Rehearsed,
} from "@dossier/store";
import { Hono } from "hono";
import { z } from "zod";
import { cursor, limit, notFoundProblem, read, time, writeCursor } from "./input.ts";

const filter = z.object({
  reason: z
    .enum(["unparsable", "invalid-event", "conflicting-duplicate", "fold-failed", "stalled"])
    .optional(),
  event: z.string().optional(),
  entityId: z.string().optional(),
  before: time.optional(),
  since: time.optional(),
  text: z.string().min(1, "must not be empty").optional(),
});

const listQuery = filter.extend({ limit, cursor: cursor.optional() });

/** The token is shared, so who acts says so themselves. */
const decision = z.object({
  operator: z.string().min(1, "must not be empty").default("api"),
  reason: z.string().min(1, "must not be empty").default("no reason given"),
});
const discardDecision = decision.extend({ reason: z.string("is required").min(1, "must not be empty") });
const bulkRedrive = decision.extend({ filter: filter.default({}), dryRun: z.boolean().default(false) });

/** Deliveries in one step of a bulk action. */
const STEP = 500;
/** Rehearsed deliveries that an answer tells of one by one; all are counted. */
const MAX_TOLD = 1_000;

const deliveryId = z.object({ deliveryId: z.uuid("must be a UUID") });

export function deadLetterRoutes(pool: Pool, queue: DeliveryQueue, log: Logger): Hono {
  /** A queue that is away loses nothing: what is open again is swept. */
  async function enqueue(deliveryIds: readonly string[]): Promise<void> {
    await queue.redrive(deliveryIds).catch((err: unknown) => {
      log.warn({ err, deliveries: deliveryIds.length }, "redriven, but not enqueued: the sweeper will");
    });
  }

  async function redriveAll(
    pages: AsyncIterable<readonly { deliveryId: string }[]>,
    by: Decision,
  ): Promise<number> {
    let redriven = 0;
    for await (const page of pages) {
      const reopened = await redrive(
        pool,
        page.map(({ deliveryId }) => deliveryId),
        by,
      );
      await enqueue(reopened);
      redriven += reopened.length;
    }
    return redriven;
  }

  async function rehearseAll(pages: AsyncIterable<readonly { deliveryId: string }[]>) {
    const outcomes: Record<string, number> = {};
    const items: unknown[] = [];
    for await (const page of pages) {
      for (const rehearsed of await rehearse(
        pool,
        page.map(({ deliveryId }) => deliveryId),
      )) {
        outcomes[rehearsed.outcome] = (outcomes[rehearsed.outcome] ?? 0) + 1;
        if (items.length < MAX_TOLD) items.push(told(rehearsed));
      }
    }
    return { outcomes, items };
  }

  return new Hono()
    .get("/", async (c) => {
      const { limit, cursor, ...wanted } = read(listQuery, c.req.query());
      const after =
        cursor === undefined ? undefined : read(z.coerce.bigint("is not one that was given"), cursor);
      const [items, counts] = await Promise.all([
        listDeadLetters(pool, wanted, { limit, after }),
        countDeadLetters(pool, wanted),
      ]);
      return c.json({
        items: items.map(({ cursor: _, ...item }) => item),
        nextCursor: items.length < limit ? null : writeCursor(items.at(-1)?.cursor.toString()),
        counts,
      });
    })
    .get("/:deliveryId", async (c) => {
      const { deliveryId: id } = read(deliveryId, c.req.param());
      const story = await findDeadLetter(pool, id);
      if (story === undefined) throw notFoundProblem(`Delivery ${id} never died.`);
      const { body, ...rest } = story;
      return c.json({ ...rest, body: { base64: body.toString("base64"), text: body.toString("utf8") } });
    })
    .post("/redrive", async (c) => {
      const { filter, dryRun, ...by } = read(bulkRedrive, await bodyOf(c.req.raw));
      const pages = pagesOfDeadLetters(pool, filter, STEP);
      if (dryRun) return c.json({ dryRun, ...(await rehearseAll(pages)) });
      return c.json({ dryRun, redriven: await redriveAll(pages, by) });
    })
    .post("/:deliveryId/redrive", async (c) => {
      const { deliveryId: id } = read(deliveryId, c.req.param());
      const { dryRun, ...by } = read(
        decision.extend({ dryRun: z.boolean().default(false) }),
        await bodyOf(c.req.raw),
      );
      if (dryRun) return c.json({ dryRun, ...(await rehearseAll(only(id))) });
      const redriven = await redriveAll(only(id), by);
      if (redriven === 0) throw notFoundProblem(`Delivery ${id} is not dead.`);
      return c.json({ dryRun, redriven });
    })
    .post("/:deliveryId/discard", async (c) => {
      const { deliveryId: id } = read(deliveryId, c.req.param());
      const [discarded] = await discard(pool, [id], read(discardDecision, await bodyOf(c.req.raw)));
      if (discarded === undefined) throw notFoundProblem(`Delivery ${id} is not dead.`);
      await queue
        .remove([id])
        .catch((err: unknown) => log.warn({ err, deliveryId: id }, "its failed job stays"));
      return c.json({ discarded: 1 });
    });
}

async function* only(deliveryId: string): AsyncGenerator<readonly { deliveryId: string }[]> {
  yield [{ deliveryId }];
}

function told(rehearsed: Rehearsed): unknown {
  return rehearsed.outcome === "failed" ? { ...rehearsed, error: describeError(rehearsed.error) } : rehearsed;
}

/** A body is optional: none is as good as `{}`. */
async function bodyOf(request: Request): Promise<unknown> {
  const text = await request.text();
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return read(z.never("is not JSON"), text);
  }
}
