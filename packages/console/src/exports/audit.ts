import { appendAudit, listAudit, type AuditEntry, type AuditFilter, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { MAX_LIMIT } from "../api/parameters.ts";
import { answerFile, answerFileHead, BYTE_ORDER_MARK, CSV_TYPE, csvLine, type OnFileError } from "./file.ts";

export const AUDIT_FILES = {
  csv: { name: "audit.csv", type: CSV_TYPE },
  json: { name: "audit.json", type: "application/json" },
} as const;

export interface AuditExport {
  readonly pool: Pool;
  readonly who: string;
  readonly filter: AuditFilter;
  readonly format: keyof typeof AUDIT_FILES;
  readonly onError: OnFileError;
}

/** Answers the entries of the audit log that a filter selects. That they are exported is one of them. */
export async function exportAudit(
  c: Context,
  { pool, who, filter, format, onError }: AuditExport,
): Promise<Response> {
  if (c.req.method === "HEAD") return answerFileHead(c, AUDIT_FILES[format]);
  const detail = { list: "audit", format, filtered: Object.keys(filter).join(" ") || "no" };
  await appendAudit(pool, { who, action: "exported", detail });
  const pages = readPages(pool, filter);
  return answerFile(c, AUDIT_FILES[format], format === "csv" ? writeCsv(pages) : writeJson(pages), onError);
}

type Pages = AsyncIterable<readonly AuditEntry[]>;

async function* readPages(pool: Pool, filter: AuditFilter): AsyncGenerator<readonly AuditEntry[]> {
  let page = await listAudit(pool, filter, { limit: MAX_LIMIT });
  yield page.items;
  while (page.next !== undefined) {
    page = await listAudit(pool, filter, { limit: MAX_LIMIT, after: page.next });
    yield page.items;
  }
}

async function* writeCsv(pages: Pages): AsyncGenerator<string> {
  yield BYTE_ORDER_MARK + csvLine(["at", "who", "action", "subject", "reason", "detail"]);
  for await (const entries of pages)
    yield entries
      .map(({ at, who, action, subject, reason, detail }) =>
        csvLine([at, who ?? "", action, subject ?? "", reason ?? "", detail ? JSON.stringify(detail) : ""]),
      )
      .join("");
}

async function* writeJson(pages: Pages): AsyncGenerator<string> {
  let separator = "[\n";
  for await (const entries of pages)
    for (const entry of entries) {
      yield separator + JSON.stringify(entry);
      separator = ",\n";
    }
  yield separator === "[\n" ? "[]\n" : "\n]\n";
}
