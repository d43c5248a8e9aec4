import { problem } from "@dossier/service";
import {
  countPersonDeliveries,
  findPerson,
  isRevealed,
  type Pool,
  type StuckAfterHours,
} from "@dossier/store";
import type { Context } from "hono";
import { z } from "zod";
import type { ApiEnv } from "../auth.ts";
import { AUDIT_FILES, exportAudit } from "../exports/audit.ts";
import { EVIDENCE_FILE, exportPersonEvidence } from "../exports/evidence.ts";
import type { OnFileError } from "../exports/file.ts";
import { exportPersons, PERSONS_FILE } from "../exports/persons.ts";
import { auditFilter } from "./audit.ts";
import { notFoundProblem, operation, type Operation } from "./operation.ts";
import { personPath } from "./parameters.ts";
import { personFilterOf, personSearch, searchFor } from "./person-filter.ts";

const IS_AUDITED = "That it is exported is in the audit log before its first byte is sent.";

/** Whole lists, and all that is kept about one person, as files. If one fails on the way, the connection breaks. */
export function exportOperations(
  pool: Pool,
  stuckAfterHours: StuckAfterHours,
  onError: OnFileError,
): readonly Operation[] {
  return [
    operation({
      method: "post",
      path: "/natural-persons/export",
      operationId: "exportNaturalPersons",
      summary: "Export persons as CSV",
      role: "operator",
      description: `All whom a search finds; a line for each, and no cell is a formula. Names and e-mails are masked for people, whoever is revealed to them. ${IS_AUDITED}`,
      input: { body: personSearch.omit({ count: true, limit: true, cursor: true }) },
      answer: z.string().meta({ id: "PersonsCsv", description: "CSV as in RFC 4180, with a head." }),
      fileTypes: [PERSONS_FILE.type],
      handle({ body: { q, ...filter } }, c) {
        const caller = c.get("caller");
        return exportPersons(c, {
          pool,
          who: caller.name,
          filter: { ...personFilterOf(filter, stuckAfterHours), ...searchFor(caller, q) },
          isMasked: !caller.isService,
          onError,
        });
      },
    }),
    operation({
      method: "get",
      path: "/natural-persons/{entityId}/evidence",
      operationId: "exportEvidence",
      summary: "Export the evidence about a person",
      role: "operator",
      description: `All that is kept about the person, in the form that \`dossier verify FILE\` checks. It is unmasked: a person's token is answered 403 \`not-revealed\` until the person is revealed to it. ${IS_AUDITED}`,
      notFound: "No event and no delivery is known of the person.",
      input: { path: personPath, query: z.strictObject({}) },
      answer: z.string().meta({ id: "Evidence", description: "A JSON object a line." }),
      fileTypes: [EVIDENCE_FILE.type],
      async handle({ path: { entityId } }, c) {
        if (!(await maySeeUnmasked(c, entityId)))
          return problem(
            403,
            "not-revealed",
            "The evidence is unmasked: reveal the person to this token first.",
          );
        if (!(await isKnown(entityId)))
          return notFoundProblem("No event and no delivery is known of this person.");
        return exportPersonEvidence(c, { pool, who: c.get("caller").name, entityId, onError });
      },
    }),
    operation({
      method: "get",
      path: "/audit/export",
      operationId: "exportAudit",
      summary: "Export the audit log",
      role: "admin",
      description: `All that the filter selects, the latest first; in CSV, no cell is a formula. ${IS_AUDITED}`,
      input: {
        query: auditFilter.omit({ cursor: true }).extend({
          format: z.enum(["csv", "json"], "must be one of csv, json").default("csv"),
        }),
      },
      answer: z.unknown().meta({ id: "AuditFile", description: "CSV, or a list of `AuditEntry`." }),
      fileTypes: Object.values(AUDIT_FILES).map(({ type }) => type),
      handle: ({ query: { format, ...filter } }, c) =>
        exportAudit(c, { pool, who: c.get("caller").name, filter, format, onError }),
    }),
  ];

  async function maySeeUnmasked(c: Context<ApiEnv>, entityId: string): Promise<boolean> {
    return c.get("caller").isService || isRevealed(pool, c.get("bearer"), entityId);
  }

  async function isKnown(entityId: string): Promise<boolean> {
    if ((await findPerson(pool, entityId)) !== undefined) return true;
    const { open, deadLettered, discarded } = await countPersonDeliveries(pool, entityId);
    return open + deadLettered + discarded > 0;
  }
}
