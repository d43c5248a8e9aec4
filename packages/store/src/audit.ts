import { formatTicks, type Ticks } from "@dossier/events";
import { endOfPage, type PageRequest } from "./database/page.ts";
import type { Connection, Pool } from "./database/pool.ts";
import { sql, sqlFile } from "./database/statements.ts";

/** What is recorded as such. Decisions and bulk actions are recorded elsewhere, and `listAudit` returns them, too. */
const RECORDED_ACTIONS = [
  "signed-in",
  "signed-out",
  "sign-in-failed",
  "revealed",
  "exported",
  "verified",
  "read",
  "token-created",
  "token-revoked",
  "rebuilt",
] as const;
type RecordedAction = (typeof RECORDED_ACTIONS)[number];

const BULK_ACTIONS = ["bulk-action-created", "bulk-action-confirmed", "bulk-action-aborted"] as const;

export const AUDIT_ACTIONS = [
  ...RECORDED_ACTIONS,
  ...(["redrove", "discarded", "restored"] as const),
  ...BULK_ACTIONS,
] as const;

/** Where entries come from: a table each, or what was done to a bulk action. */
export const AUDIT_SOURCES = ["audit", "decision", ...BULK_ACTIONS] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface NewAuditEntry {
  /** The name of the token; `null` if the token is not known. */
  readonly who: string | null;
  readonly action: RecordedAction;
  /** The id of the person or of the delivery that it is done to. */
  readonly subject?: string | undefined;
  /** Why it was done, or why it failed. */
  readonly reason?: string | undefined;
  /** Small; no personal data, no secret. */
  readonly detail?: Readonly<Record<string, string | number>> | undefined;
}

const insertAudit = sql(
  "insert_audit",
  "insert into audit_log (who, action, subject, reason, detail) values ($1, $2, $3, $4, $5)",
);

/** Appends to the audit log, at the database's time. */
export async function appendAudit(
  connection: Pool | Connection,
  { who, action, subject, reason, detail }: NewAuditEntry,
): Promise<void> {
  const values = [who, action, subject, reason, detail && JSON.stringify(detail)];
  await connection.query({ ...insertAudit, values });
}

const insertCommandAudit = sql(
  "insert_command_audit",
  "insert into audit_log (action, subject, detail) values ($1, $2, $3)",
);

/**
 * Appends to the audit log what a command does on the database itself. Its doer is the connection's login: the column's
 * default, which a reader has no right to overwrite.
 */
export async function appendCommandAudit(
  connection: Pool | Connection,
  {
    action,
    subject,
    detail,
  }: Pick<NewAuditEntry, "action" | "subject"> & {
    readonly detail: { readonly command: string; readonly [name: string]: string | number };
  },
): Promise<void> {
  await connection.query({ ...insertCommandAudit, values: [action, subject, JSON.stringify(detail)] });
}

const insertAudits = sql(
  "insert_audits",
  `insert into audit_log (who, action, subject, reason, detail)
   select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[])`,
);

/** Appends entries in one statement, in their order. */
export async function appendAuditEntries(pool: Pool, entries: readonly NewAuditEntry[]): Promise<void> {
  const values = [
    entries.map(({ who }) => who),
    entries.map(({ action }) => action),
    entries.map(({ subject }) => subject ?? null),
    entries.map(({ reason }) => reason ?? null),
    entries.map(({ detail }) => (detail === undefined ? null : JSON.stringify(detail))),
  ];
  await pool.query({ ...insertAudits, values });
}

/** Selects entries. All conditions that are set must hold. */
export interface AuditFilter {
  readonly who?: string | undefined;
  readonly action?: AuditAction | undefined;
  /** The id of a person or of a delivery. */
  readonly subject?: string | undefined;
  readonly since?: Ticks | undefined;
  readonly before?: Ticks | undefined;
}

/** Where a page of entries ends. */
export interface AuditPosition {
  readonly ticks: Ticks;
  readonly source: (typeof AUDIT_SOURCES)[number];
  readonly id: bigint;
}

export interface AuditEntry {
  readonly at: string;
  readonly who: string | null;
  readonly action: AuditAction;
  readonly subject: string | null;
  readonly reason: string | null;
  readonly detail: Readonly<Record<string, string | number>> | null;
}

export interface AuditPage {
  readonly items: readonly AuditEntry[];
  /** The last item's position; `undefined` if no further page follows. */
  readonly next: AuditPosition | undefined;
}

const selectAudit = sqlFile("select_audit");

/** Returns a page of what was done in the console and by commands, decisions included, the latest first. */
export async function listAudit(
  pool: Pool,
  { who, action, subject, since, before }: AuditFilter,
  { limit, after }: PageRequest<AuditPosition>,
): Promise<AuditPage> {
  const { rows } = await pool.query<
    Omit<AuditEntry, "at" | "detail"> & AuditPosition & { readonly detail: string | null }
  >({
    ...selectAudit,
    values: [who, action, subject, since, before, after?.ticks, after?.source, after?.id, limit],
  });
  const last = endOfPage(rows, limit);
  return {
    items: rows.map(({ source: _, id: __, ticks, detail, ...entry }) => ({
      at: formatTicks(ticks),
      ...entry,
      detail: detail === null ? null : (JSON.parse(detail) as AuditEntry["detail"]),
    })),
    next: last && { ticks: last.ticks, source: last.source, id: last.id },
  };
}
