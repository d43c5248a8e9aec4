import { STATUSES } from "@dossier/events";
import { z } from "zod";

/** A time as every answer writes it. */
export const utc = z
  .string()
  .meta({ format: "date-time", description: "In UTC, with all seven fractional digits (100 ns)." });

export const count = z.int().min(0);

/** One page of a list. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe("The next page's `cursor`; `null` where there is none."),
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
    status: z.enum(STATUSES).describe("The furthest step ever reached: it never goes back."),
    entityStatus: z.string().nullable().describe("iComply's own word, from the last approval."),
    approval: approval.nullable().describe("The last approval."),
    reviewNeeded: z
      .boolean()
      .describe("The client did something asked for by an update after the last approval."),
    personalInfoSubmittedAt: utc.nullable(),
    identityDocuments: z.array(identityDocument).describe("By their first time, then by type and session."),
    supportingDocuments: z.array(supportingDocument).describe("By their first time, then by id."),
    unrecognisedEvents: z
      .int()
      .min(0)
      .describe("How many of the events are of types that this code does not know."),
    version: z.int().min(0).describe("How many distinct events the file is made of."),
    firstEventAt: utc.nullable(),
    lastEventAt: utc.nullable(),
  })
  .describe("A person's file. What is not known is `null`.")
  .meta({ id: "NaturalPerson" });
