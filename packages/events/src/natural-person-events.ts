import { z } from "zod";
import { scalarText, type Json, type JsonObject } from "./json.ts";
import { upcast } from "./upcast.ts";

// What a documented type says, read tolerantly: a field that is absent or null is not known, a field that this
// code does not name is kept in the log and ignored here. Source: iComply's page on webhooks.
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
  .transform((value) => scalarText(value) ?? "");

const person = { entity: text, email: text, isClientUpdateRequest: flag };
const approval = z.object({
  ...person,
  userName: text,
  userEmail: text,
  entityStatus: text,
  description: text,
});
const identityDocument = z.object({ ...person, sessionId: key, documentType: key });

/** The six types that iComply documents, by the name in `event`, with what each says. */
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

/** An event of a documented type with its data read: a union that a `switch` on `event` takes apart. */
export type NaturalPersonEvent = {
  [E in keyof Schemas]: { readonly event: E; readonly data: z.output<Schemas[E]> };
}[keyof Schemas];

export type Recognition =
  | { kind: "recognised"; event: NaturalPersonEvent }
  | { kind: "unknown-type" }
  | { kind: "invalid"; issues: readonly Issue[] };

/** What does not fit: where (zod's path, joined by dots) and why. Never the value, which may be personal. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/** Whether this code knows the events of a type. */
export function isKnownType(event: string): event is keyof Schemas {
  return Object.hasOwn(naturalPersonEvents, event);
}

/** Reads what an event says. `unknown-type` is no fault: the log keeps it until the code knows the type. */
export function recognise(event: string, data: JsonObject): Recognition {
  if (!isKnownType(event)) return { kind: "unknown-type" };
  const parsed = naturalPersonEvents[event].safeParse(upcast(data));
  if (!parsed.success) return { kind: "invalid", issues: issuesOf(parsed.error, "data") };
  return { kind: "recognised", event: { event, data: parsed.data } as NaturalPersonEvent };
}

export function issuesOf(error: z.ZodError, ...prefix: string[]): Issue[] {
  return error.issues.map(({ path, message }) => ({
    path: [...prefix, ...path].map(String).join("."),
    message,
  }));
}
