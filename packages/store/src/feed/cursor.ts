import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";

/** A change that a reader has looked at, or the beginning of the feed. */
export interface Cursor {
  readonly position: bigint;
  /** Part of the change's hash. After a restore, another change may have its position. */
  readonly check: string;
}

export const FEED_START: Cursor = { position: 0n, check: "" };

/** Returns a cursor as readers get it: a text that they need not understand. */
export function formatCursor({ position, check }: Cursor): string {
  return position === 0n ? "0" : `${position}.${check}`;
}

/** Returns `undefined` for a text that `formatCursor` does not return. */
export function parseCursor(text: string): Cursor | undefined {
  if (text === "0") return FEED_START;
  const [, position, check] = /^([1-9]\d{0,17})\.([\w-]{11})$/.exec(text) ?? [];
  return position === undefined || check === undefined ? undefined : { position: BigInt(position), check };
}

/** Returns the part of a change's hash that its cursor carries. */
export function toCheck(hash: Buffer): string {
  return hash.toString("base64url", 0, 8);
}

const selectHash = sqlFile("select_change_hash");

/** Returns the cursor of the change at a position; `undefined` if the feed has none there. */
export async function findCursor(pool: Pool, position: bigint): Promise<Cursor | undefined> {
  if (position === 0n) return FEED_START;
  const { rows } = await pool.query<{ hash: Buffer }>({ ...selectHash, values: [position] });
  return rows[0] && { position, check: toCheck(rows[0].hash) };
}
