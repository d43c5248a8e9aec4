import { appendAudit, listAudit, type AuditEntry, type AuditFilter, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { z } from "zod";
import { auditFilter } from "../../api/audit.ts";
import { MAX_LIMIT } from "../../api/parameters.ts";
import { csvLine } from "../csv.ts";
import { download } from "../download.ts";
import { readForm } from "../form.ts";
import type { PageEnv } from "../page.ts";

const FORMATS = {
  csv: { name: "audit.csv", type: "text/csv; charset=utf-8", write: writeCsv },
  json: { name: "audit.json", type: "application/json", write: writeJson },
} as const;

const form = auditFilter.omit({ cursor: true }).extend({ format: z.enum(["csv", "json"]) });

/** Returns the handler that exports the entries that a filter selects. That it does is one of them. */
export function exportAudit(pool: Pool, onError: (err: unknown) => void) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const read = await readForm(c, form);
    if (!read.ok) return read.refusal;
    const { format, ...filter } = read.value;
    const detail = { list: "audit", format, filtered: Object.keys(filter).join(" ") || "no" };
    await appendAudit(pool, { who: c.get("caller").name, action: "exported", detail });
    const { write, ...file } = FORMATS[format];
    return download(c, file, write(readPages(pool, filter)), onError);
  };
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
  // Excel reads a file without the mark as Latin-1.
  yield `\uFEFF${csvLine(["at", "who", "action", "subject", "reason", "detail"])}`;
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
