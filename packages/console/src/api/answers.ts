import { STATUSES, type Person } from "@dossier/events";
import { z } from "zod";
import { MAX_LIMIT } from "./parameters.ts";

/** A time as every answer writes it. */
export const utc = z
  .string()
  .meta({ format: "date-time", description: "In UTC, with seven fractional digits (100 ns)." });

export const count = z.int().min(0);

/** Returns the schema of one page of a list. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item).max(MAX_LIMIT),
    nextCursor: z.string().nullable().describe("The `cursor` of the next page; `null` if this is the last."),
  });
}

const approval = z.object({
  kind: z.enum(["manual", "auto"]),
  byName: z.string().nullable(),
  byEmail: z.string().nullable(),
  at: utc,
  description: z.string().nullable(),
});

const identityDocument = z.object({
  type: z.string(),
  sessionId: z.string(),
  startedAt: utc.nullable().describe("The earliest start."),
  uploadedAt: utc.nullable().describe("The latest upload."),
});

const supportingDocument = z.object({
  id: z.string(),
  type: z.string().nullable(),
  description: z.string().nullable(),
  uploadedAt: utc.describe("The latest upload."),
});

export const naturalPerson = z
  .object({
    entityId: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    status: z.enum(STATUSES).describe("The furthest step that the person ever reached; it never goes back."),
    entityStatus: z.string().nullable().describe("iComply's own status, from the last approval."),
    approval: approval.nullable().describe("The last approval."),
    reviewNeeded: z
      .boolean()
      .describe("Whether the person answered a request for an update after the last approval."),
    personalInfoSubmittedAt: utc.nullable(),
    identityDocuments: z.array(identityDocument).describe("Ordered by first time, then by type and session."),
    supportingDocuments: z.array(supportingDocument).describe("Ordered by first time, then by id."),
    unrecognisedEvents: count.describe("How many of the events have a type that this version does not know."),
    version: count.describe("How many distinct events the state is folded from."),
    firstEventAt: utc.nullable(),
    lastEventAt: utc.nullable(),
  })
  .describe("A person's state. What is not known is `null`.")
  .meta({ id: "NaturalPerson" }) satisfies z.ZodType<Person>;
