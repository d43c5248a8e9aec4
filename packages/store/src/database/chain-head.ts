import type { Connection } from "./pool.ts";
import { sql } from "./statements.ts";

/** The end of a chain that one transaction at a time continues, after the commits of what it covers. */
export interface ChainHead {
  readonly seq: bigint;
  readonly hash: Buffer;
}

/** The change feed's positions; the dead letters and decisions. */
type Chain = "feed" | "seals";

const tryLock = sql(
  "lock_chain_head",
  "select seq, hash from chain_heads where chain = $1 for update skip locked",
);

/** Locks a chain until the transaction ends, and returns its end; `undefined` if another transaction has locked it. */
export async function tryLockChain(connection: Connection, chain: Chain): Promise<ChainHead | undefined> {
  const { rows } = await connection.query<ChainHead>({ ...tryLock, values: [chain] });
  return rows[0];
}

const advance = sql("advance_chain_head", "update chain_heads set seq = $2, hash = $3 where chain = $1");

export async function advanceChain(
  connection: Connection,
  chain: Chain,
  { seq, hash }: ChainHead,
): Promise<void> {
  await connection.query({ ...advance, values: [chain, seq, hash] });
}

const select = sql("select_chain_head", "select seq, hash from chain_heads where chain = $1");

/** Returns a chain's end; `undefined` if it was removed. */
export async function findChainHead(connection: Connection, chain: Chain): Promise<ChainHead | undefined> {
  const { rows } = await connection.query<ChainHead>({ ...select, values: [chain] });
  return rows[0];
}
