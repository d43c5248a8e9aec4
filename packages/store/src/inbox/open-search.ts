import type { Ticks } from "@dossier/events";
import { MAX_BYTES } from "../database/groups.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { parseIdentity } from "./identity.ts";

/** How many of the open deliveries were searched, the newest first: whom one concerns, only its bytes say. */
export interface OpenSearch {
  readonly searched: number;
  readonly of: number;
}

/** An open delivery whose bytes name the person. */
export interface FoundDelivery {
  readonly deliveryId: string;
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly ticks: Ticks | undefined;
}

/** Deliveries that one search looks at. With `MAX_BYTES`, limits its time and memory. */
const MAX_SEARCHED = 1_000;

/** An id that JSON may also write as a number, in several spellings. */
const NUMERIC = /^[-+.\deE]+$/;

const selectNewestOpen = sqlFile("select_newest_open");

/** Finds the open deliveries that concern a person, among the newest ones: at most 1,000, and about 8 MiB. */
export async function searchOpenDeliveries(
  connection: Connection | Pool,
  entityId: string,
): Promise<OpenSearch & { readonly found: readonly FoundDelivery[] }> {
  const { rows } = await connection.query<{ delivery_id: string; open: bigint; body: Buffer | null }>({
    ...selectNewestOpen,
    values: [MAX_SEARCHED, MAX_BYTES, NUMERIC.test(entityId) ? null : Buffer.from(entityId)],
  });
  const found = rows.flatMap(({ delivery_id: deliveryId, body }) => {
    const identity = body === null ? undefined : parseIdentity(body);
    return identity?.entityId === entityId
      ? [{ deliveryId, event: identity.event, id: identity.id, ticks: identity.ticks }]
      : [];
  });
  return { found, searched: rows.length, of: Number(rows[0]?.open ?? 0) };
}
