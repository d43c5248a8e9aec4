import { z } from "zod";
import { scalarText, type Json, type JsonObject } from "./json.ts";
import { upcast } from "./upcast.ts";

// Schemas are tolerant: a field that is missing or null is not known, and a field that no schema names is ignored here
// and kept in the log. Source: iComply's page on webhooks.
const text = z
  .string()
  .nullish()
  .transform((value) => value || null);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const key = z
  .custom<Json>((value) => Boolean(scalarText(value as Json)), "expected a non-empty string")
  .transform((value) => scalarText(value) ?? "")
  .meta({ type: ["string", "number"], minLength: 1 });

const person = { entity: text, email: text, isClientUpdateRequest: flag };
const approval = z.object({
  ...person,
  userName: text,
  userEmail: text,
  entityStatus: text,
  description: text,
});
const identityDocument = z.object({ ...person, sessionId: key, documentType: key });

/** The data of each event type that this code knows. docs/adding-an-event-type.md says how to add one. */
export const naturalPersonEvents = {
  NaturalPersonPending: z.object(person),
  NaturalPersonStartedIDUpload: identityDocument,
  NaturalPersonUploadedID: identityDocument,
  NaturalPersonUploadedSupportingDocument: z.object({
    ...person,
    supportingDocumentId: key,
    supportingDocumentType: text,
    supportingDocumentDescription: text,
  }),
  NaturalPersonManuallyApproved: approval,
  NaturalPersonAutoApproved: approval,
} as const;

type Schemas = typeof naturalPersonEvents;

/** An event of a known type with its data, for a `switch` on `event`. */
export type NaturalPersonEvent = {
  [E in keyof Schemas]: { readonly event: E; readonly data: z.output<Schemas[E]> };
}[keyof Schemas];

export type Recognition =
  | { kind: "recognised"; event: NaturalPersonEvent }
  | { kind: "unknown-type" }
  | { kind: "invalid"; issues: readonly Issue[] };

/** What is wrong with a field. Never holds its value, which may be personal. */
export interface Issue {
  /** Names and indexes, joined by dots: `data.entityId`. */
  readonly path: string;
  readonly message: string;
}

/** Returns whether this code knows an event type. */
export function isKnownType(event: string): event is keyof Schemas {
  return Object.hasOwn(naturalPersonEvents, event);
}

/** Reads an event's data. `unknown-type` is no error: the log keeps the event until the code knows its type. */
export function recognise(event: string, data: JsonObject): Recognition {
  if (!isKnownType(event)) return { kind: "unknown-type" };
  const parsed = naturalPersonEvents[event].safeParse(upcast(data));
  if (!parsed.success) return { kind: "invalid", issues: issuesOf(parsed.error, "data") };
  return { kind: "recognised", event: { event, data: parsed.data } as NaturalPersonEvent };
}

/** Returns zod's issues, each path after `prefix`. */
export function issuesOf(error: z.ZodError, ...prefix: string[]): Issue[] {
  return error.issues.map(({ path, message }) => ({
    path: [...prefix, ...path].map(String).join("."),
    message,
  }));
}
