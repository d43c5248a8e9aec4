import { formatTicks } from "@dossier/events";
import { AUDIT_ACTIONS, AUDIT_SOURCES, listAudit, type Pool } from "@dossier/store";
import { z } from "zod";
import { page, utc } from "./answers.ts";
import { operation, type Operation } from "./operation.ts";
import { cursor, limit, nextCursor, text, time } from "./parameters.ts";

const auditPage = page(
  z
    .object({
      at: utc,
      who: z
        .string()
        .nullable()
        .describe(
          "The name of the token, or the login of a command on the database; `null` for a sign-in with a token that is not known.",
        ),
      action: z.enum(AUDIT_ACTIONS),
      subject: z
        .string()
        .nullable()
        .describe("The `entityId` or the `deliveryId` that it was done to; `null` if none."),
      reason: z.string().nullable().describe("Why it was done, as its doer says, or why it failed."),
      detail: z
        .record(z.string(), z.union([z.string(), z.number()]))
        .nullable()
        .describe(
          "What else there is to know: `failures` are the failed sign-ins of a minute, `command` is the command that did it, `bulkAction` the id of the bulk action that was made, confirmed or aborted, or of whose decisions it is one.",
        ),
    })
    .meta({ id: "AuditEntry" }),
).meta({ id: "AuditPage" });

const position = z.strictObject({
  ticks: time,
  source: z.enum(AUDIT_SOURCES),
  id: z
    .string()
    .regex(/^\d{1,18}$/)
    .transform(BigInt),
});

/** What a list of the audit log can be asked for. */
export const auditFilter = z.strictObject({
  who: text
    .optional()
    .describe("Only what was done with tokens of this name, or by commands with this login."),
  action: z
    .enum(AUDIT_ACTIONS, `must be one of ${AUDIT_ACTIONS.join(", ")}`)
    .optional()
    .describe("Only this action."),
  subject: text.optional().describe("Only what was done to this `entityId` or `deliveryId`."),
  since: time.optional().describe("Only what was done at this time or later."),
  before: time.optional().describe("Only what was done before this time."),
  cursor: cursor(position),
});

/** Reads of who did what. */
export function auditOperations(pool: Pool): readonly Operation[] {
  return [
    operation({
      method: "get",
      path: "/audit",
      operationId: "listAudit",
      summary: "List who did what",
      role: "admin",
      description:
        "Sign-ins, decisions, bulk actions, and what commands did on the database, the latest first. None is ever changed or removed.",
      input: { query: auditFilter.extend({ limit }) },
      answer: auditPage,
      async handle({ query: { limit, cursor, ...filter } }) {
        const { items, next } = await listAudit(pool, filter, { limit, after: cursor });
        const after = next && { ...next, ticks: formatTicks(next.ticks), id: String(next.id) };
        return { items, nextCursor: nextCursor(after) };
      },
    }),
  ];
}
