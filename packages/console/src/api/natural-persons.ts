import { formatTicks, STATUSES, type Place } from "@dossier/events";
import { findPerson, listEvents, listPersons, type Pool } from "@dossier/store";
import { Hono } from "hono";
import { z } from "zod";
import { cursor, limit, notFoundProblem, read, time, writeCursor } from "./input.ts";

/** `asOf`: what was true then. `knownAt`: what had been received by then. Together: what was then known of that time. */
const moment = z.object({ asOf: time.optional(), knownAt: time.optional() });
const page = z.object({ limit, cursor: cursor.optional() });

const listQuery = moment.extend(page.shape).extend({
  status: z.enum(STATUSES, `must be one of ${STATUSES.join(", ")}`).optional(),
  q: z.string().min(1, "must not be empty").optional(),
});

const placeInCursor = z.tuple([time, z.string(), z.string()]);
const eventsQuery = moment.extend({
  limit,
  cursor: cursor
    .transform((inside, context): Place => {
      const parsed = placeInCursor.safeParse(parsedJson(inside));
      if (parsed.success) return { ticks: parsed.data[0], event: parsed.data[1], id: parsed.data[2] };
      context.addIssue({ code: "custom", message: "is not one that was given" });
      return z.NEVER;
    })
    .optional(),
});

/** Reads of persons' files; every one also as it was at a moment. */
export function personRoutes(pool: Pool): Hono {
  return new Hono()
    .get("/", async (c) => {
      const { limit, cursor, ...filter } = read(listQuery, c.req.query());
      const { persons, next } = await listPersons(pool, filter, { limit, after: cursor });
      return c.json({ items: persons, nextCursor: writeCursor(next) });
    })
    .get("/:entityId", async (c) => {
      const entityId = c.req.param("entityId");
      const person = await findPerson(pool, entityId, read(moment, c.req.query()));
      if (person === undefined) throw notFoundProblem("No event is known of this person at this moment.");
      return c.json(person);
    })
    .get("/:entityId/events", async (c) => {
      const { limit, cursor, ...at } = read(eventsQuery, c.req.query());
      const { events, next } = await listEvents(pool, c.req.param("entityId"), at, { limit, after: cursor });
      return c.json({
        items: events,
        nextCursor: writeCursor(next && JSON.stringify([formatTicks(next.ticks), next.event, next.id])),
      });
    });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
