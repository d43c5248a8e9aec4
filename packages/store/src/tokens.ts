import { hash, randomBytes } from "node:crypto";
import { formatTicks } from "@dossier/events";
import { appendCommandAudit } from "./audit.ts";
import type { Pool } from "./database/pool.ts";
import { sql } from "./database/statements.ts";
import { transaction } from "./database/transaction.ts";

/** What a token may do, from least to most: a viewer reads, an operator also redrives and discards. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Secret scanners recognise tokens by this expression. */
const TOKEN = /^dossier_[\w-]{43}$/;

export interface NewToken {
  /** Who acts with it. */
  readonly name: string;
  readonly role: Role;
  /** Whether a program uses it, and no person. */
  readonly isService: boolean;
  /** Seconds; `undefined`: it does not expire. */
  readonly expiresIn?: number | undefined;
}

const insertToken = sql(
  "insert_token",
  `insert into tokens (token_hash, name, role, is_service, expires_at)
   values ($1, $2, $3, $4, now() + make_interval(secs => $5)) returning token_id`,
);

/**
 * Creates a token, and says so in the audit log. Returns it for the only time: the record has its hash alone. Takes the
 * owner of the tables.
 */
export async function createToken(
  pool: Pool,
  { name, role, isService, expiresIn }: NewToken,
): Promise<{ readonly tokenId: number; readonly token: string }> {
  const token = `dossier_${randomBytes(32).toString("base64url")}`;
  const values = [hashToken(token), name, role, isService, expiresIn];
  return transaction(pool, async (connection) => {
    const { rows } = await connection.query<{ token_id: number }>({ ...insertToken, values });
    const tokenId = rows[0]?.token_id ?? 0;
    const detail = { command: "token create", tokenId, name, role };
    await appendCommandAudit(connection, { action: "token-created", detail });
    return { tokenId, token };
  });
}

function hashToken(token: string): Buffer {
  return hash("sha256", token, "buffer");
}

/** All that is known of a token. Times are as `formatTicks` writes them. */
export interface TokenSummary {
  readonly tokenId: number;
  readonly name: string;
  readonly role: Role;
  readonly isService: boolean;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  /** At most a minute before its last use. */
  readonly lastUsedAt: string | null;
  readonly state: TokenState;
}

export const TOKEN_STATES = ["valid", "expired", "revoked"] as const;
type TokenState = (typeof TOKEN_STATES)[number];

const STATE = `case when revoked_at is not null then 'revoked' when expires_at <= now() then 'expired' else 'valid' end`;
const ticksOf = (column: string) => `(extract(epoch from ${column}) * 10000000)::bigint as ${column}`;
const selectTokens = sql(
  "select_tokens",
  `select token_id, name, role, is_service, ${STATE} as state,
     ${["created_at", "expires_at", "revoked_at", "last_used_at"].map(ticksOf).join()}
   from tokens order by token_id`,
);

/** Returns every token that was ever created, the oldest first. */
export async function listTokens(pool: Pool): Promise<readonly TokenSummary[]> {
  const { rows } = await pool.query<{
    token_id: number;
    name: string;
    role: Role;
    is_service: boolean;
    state: TokenState;
    created_at: bigint;
    expires_at: bigint | null;
    revoked_at: bigint | null;
    last_used_at: bigint | null;
  }>(selectTokens);
  const formatTime = (ticks: bigint | null) => (ticks === null ? null : formatTicks(ticks));
  return rows.map((row) => ({
    tokenId: row.token_id,
    name: row.name,
    role: row.role,
    isService: row.is_service,
    createdAt: formatTicks(row.created_at),
    expiresAt: formatTime(row.expires_at),
    revokedAt: formatTime(row.revoked_at),
    lastUsedAt: formatTime(row.last_used_at),
    state: row.state,
  }));
}

const updateRevoked = sql(
  "revoke_token",
  `update tokens set revoked_at = coalesce(revoked_at, now()) where token_id = $1
   returning name, revoked_at = now() as revoked`,
);

/**
 * Revokes a token at once and for good, and says so in the audit log, unless it is revoked already. Returns its name;
 * `undefined` if there is none. Takes the owner of the tables.
 */
export async function revokeToken(pool: Pool, tokenId: number): Promise<string | undefined> {
  return transaction(pool, async (connection) => {
    const values = [tokenId];
    const { rows } = await connection.query<{ name: string; revoked: boolean }>({ ...updateRevoked, values });
    const [found] = rows;
    if (found?.revoked === true) {
      const detail = { command: "token revoke", tokenId, name: found.name };
      await appendCommandAudit(connection, { action: "token-revoked", detail });
    }
    return found?.name;
  });
}

/** What a sign-in needs of a token. */
export interface FoundToken extends Pick<TokenSummary, "tokenId" | "name" | "role" | "isService" | "state"> {}

const selectToken = sql(
  "select_token",
  `select token_id, name, role, is_service, ${STATE} as state from tokens where token_hash = $1`,
);

/** Returns what is known of a token; `undefined` if it never existed. */
export async function findToken(pool: Pool, token: string): Promise<FoundToken | undefined> {
  if (!TOKEN.test(token)) return undefined;
  const { rows } = await pool.query<
    { token_id: number; is_service: boolean } & Omit<FoundToken, "tokenId" | "isService">
  >({ ...selectToken, values: [hashToken(token)] });
  return rows.map(({ token_id: tokenId, is_service: isService, ...others }) => ({
    tokenId,
    isService,
    ...others,
  }))[0];
}

const selectHasTokens = sql("has_tokens", "select exists (select from tokens) as found");

/** Returns whether a token was ever created, whatever became of it. */
export async function hasTokens(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ found: boolean }>(selectHasTokens);
  return rows[0]?.found === true;
}

const updateLastUse = sql(
  "record_token_use",
  `update tokens set last_used_at = now()
   where token_id = $1 and coalesce(last_used_at < now() - interval '1 minute', true)`,
);

/** Records that a token is used now, unless that was recorded within the last minute. */
export async function recordTokenUse(pool: Pool, tokenId: number): Promise<void> {
  await pool.query({ ...updateLastUse, values: [tokenId] });
}
