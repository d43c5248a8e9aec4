import { version } from "@dossier/service";
import { appendAudit, exportEvidence, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { answerFile, answerFileHead, type OnFileError } from "./file.ts";

export const EVIDENCE_FILE = { name: "evidence.jsonl", type: "application/jsonl; charset=utf-8" };

export interface EvidenceExport {
  readonly pool: Pool;
  readonly who: string;
  readonly entityId: string;
  readonly onError: OnFileError;
}

/** Answers a person's evidence, which is unmasked. That is in the audit log before the first line is sent. */
export async function exportPersonEvidence(
  c: Context,
  { pool, who, entityId, onError }: EvidenceExport,
): Promise<Response> {
  if (c.req.method === "HEAD") return answerFileHead(c, EVIDENCE_FILE);
  await appendAudit(pool, { who, action: "exported", subject: entityId, detail: { what: "evidence" } });
  return answerFile(c, EVIDENCE_FILE, readLines(pool, entityId), onError);
}

async function* readLines(pool: Pool, entityId: string): AsyncGenerator<string> {
  for await (const line of exportEvidence(pool, entityId, version)) yield `${line}\n`;
}
