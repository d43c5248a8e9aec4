import { formatTicks, type Ticks } from "@dossier/events";
import { appendAudit } from "./audit.ts";
import type { Pool } from "./database/pool.ts";
import { sql } from "./database/statements.ts";
import { awaitAll, transaction } from "./database/transaction.ts";
import { hashSessionId } from "./sessions.ts";

/** Personal data is shown for so long after a reveal. */
const REVEAL_SECONDS = 15 * 60;

export interface NewReveal {
  readonly sessionId: string;
  /** The person's `entityId`; or the `deliveryId` of a delivery whose bytes do not say whom it concerns. */
  readonly subject: string;
  readonly who: string;
  readonly reason: string;
}

const insertReveal = sql(
  "insert_reveal",
  "insert into reveals (session_hash, subject, who, reason) values ($1, $2, $3, $4)",
);

/** Shows a subject's personal data in one session for 15 minutes from now. Records it and its audit entry as one. */
export async function reveal(pool: Pool, { sessionId, subject, who, reason }: NewReveal): Promise<void> {
  await transaction(pool, (connection) =>
    awaitAll([
      connection.query({ ...insertReveal, values: [hashSessionId(sessionId), subject, who, reason] }),
      appendAudit(connection, { who, action: "revealed", subject, reason }),
    ]),
  );
}

const selectRevealEnd = sql(
  "select_reveal_end",
  `select (extract(epoch from max(revealed_at) + make_interval(secs => $3)) * 10000000)::bigint as ticks
   from reveals
   where session_hash = $1 and subject = $2 and revealed_at > now() - make_interval(secs => $3)`,
);

/** Returns until when a subject is revealed in a session; `undefined` if it is not. */
export async function findRevealEnd(
  pool: Pool,
  sessionId: string | undefined,
  subject: string,
): Promise<string | undefined> {
  if (sessionId === undefined || subject.includes("\0")) return undefined;
  const { rows } = await pool.query<{ ticks: Ticks | null }>({
    ...selectRevealEnd,
    values: [hashSessionId(sessionId), subject, REVEAL_SECONDS],
  });
  const ticks = rows[0]?.ticks ?? null;
  return ticks === null ? undefined : formatTicks(ticks);
}

/** Returns whether a subject is revealed in a session. There is nothing revealed without a session. */
export async function isRevealed(
  pool: Pool,
  sessionId: string | undefined,
  subject: string,
): Promise<boolean> {
  return (await findRevealEnd(pool, sessionId, subject)) !== undefined;
}
