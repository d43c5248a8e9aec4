import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Pool } from "./database/pool.ts";
import { sql, sqlFile } from "./database/statements.ts";
import type { Role } from "./tokens.ts";

/** A session ends so long after its last request: a screen that is left unlocked shows persons to whoever comes by. */
const IDLE_SECONDS = 30 * 60;

/** A session ends so long after its sign-in, whatever is done in it: one signs in once for each working day. */
const LONGEST_SECONDS = 12 * 60 * 60;

/** What a session is made with: a token of the record, or DOSSIER_API_TOKEN. */
export type SessionToken = { readonly tokenId: number } | { readonly bootstrapToken: string };

const insertSession = sql(
  "insert_session",
  `with ended as (
     delete from sessions
     where last_seen_at < now() - make_interval(secs => $4) or created_at < now() - make_interval(secs => $5)
   )
   insert into sessions (session_hash, token_id, bootstrap_hash) values ($1, $2, $3)`,
);

/** Creates a session, and removes those that have ended. Returns its id, of which the record has the hash alone. */
export async function createSession(pool: Pool, token: SessionToken): Promise<string> {
  const sessionId = randomBytes(32).toString("base64url");
  const made =
    "tokenId" in token
      ? { tokenId: token.tokenId, bootstrapHash: undefined }
      : { tokenId: undefined, bootstrapHash: hashBootstrap(sessionId, token.bootstrapToken) };
  const values = [hashSessionId(sessionId), made.tokenId, made.bootstrapHash, IDLE_SECONDS, LONGEST_SECONDS];
  await pool.query({ ...insertSession, values });
  return sessionId;
}

/** Returns how the record names a session. */
export function hashSessionId(sessionId: string): Buffer {
  return sha256(sessionId);
}

function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

/** Nobody who reads the record can guess DOSSIER_API_TOKEN from this, as the session's id is not in it. */
function hashBootstrap(sessionId: string, bootstrapToken: string): Buffer {
  return sha256(`${sessionId}\0${bootstrapToken}`);
}

/** Of whom a session is: of a token of the record, or of DOSSIER_API_TOKEN. */
export type SessionOwner = (
  | { readonly tokenId: number; readonly name: string; readonly role: Role }
  | { readonly tokenId: undefined }
) & {
  /** Whether the session's use was recorded within the last minute. */
  readonly isUseRecorded: boolean;
};

const selectSession = sqlFile("select_session");

/** Returns of whom a session is; `undefined` if it has ended, or its token is not valid any longer. */
export async function findSession(
  pool: Pool,
  sessionId: string,
  bootstrapToken: string | undefined,
): Promise<SessionOwner | undefined> {
  const { rows } = await pool.query<{
    token_id: number | null;
    name: string;
    role: Role;
    bootstrap_hash: Buffer | null;
    is_use_recorded: boolean;
  }>({ ...selectSession, values: [hashSessionId(sessionId), IDLE_SECONDS, LONGEST_SECONDS] });
  const [found] = rows;
  if (found === undefined) return undefined;
  const { token_id: tokenId, name, role, is_use_recorded: isUseRecorded } = found;
  if (tokenId !== null) return { tokenId, name, role, isUseRecorded };
  if (bootstrapToken === undefined || found.bootstrap_hash === null) return undefined;
  return timingSafeEqual(found.bootstrap_hash, hashBootstrap(sessionId, bootstrapToken))
    ? { tokenId: undefined, isUseRecorded }
    : undefined;
}

const updateLastSeen = sql(
  "record_session_use",
  `update sessions set last_seen_at = now()
   where session_hash = $1 and last_seen_at < now() - interval '1 minute'`,
);

/** Records that a session is used now, unless that was recorded within the last minute. */
export async function recordSessionUse(pool: Pool, sessionId: string): Promise<void> {
  await pool.query({ ...updateLastSeen, values: [hashSessionId(sessionId)] });
}

const deleteSession = sql("delete_session", "delete from sessions where session_hash = $1");

/** Ends a session at once. */
export async function endSession(pool: Pool, sessionId: string): Promise<void> {
  await pool.query({ ...deleteSession, values: [hashSessionId(sessionId)] });
}
