import type { Ticks } from "@dossier/events";
import { MAX_BYTES } from "../database/groups.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { namesPerson, parseIdentity, parseTime } from "./identity.ts";

/** How many open deliveries were searched, the newest first: whom one concerns, only its bytes say. */
export interface OpenSearch {
  readonly searched: number;
  /** Whether no other delivery is open. How many others are, is not counted: they may be a million. */
  readonly all: boolean;
}

/** An open delivery whose bytes name the person. */
export interface FoundDelivery {
  readonly deliveryId: string;
  /** `undefined`, as the others, for one that may have stopped a worker. */
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly ticks: Ticks | undefined;
}

/** Deliveries that one search looks at. With `MAX_BYTES`, limits its time and memory. */
const MAX_SEARCHED = 1_000;

/** An id that JSON may also write as a number, in several spellings. */
const NUMERIC = /^[-+.\deE]+$/;

/** What JSON may write with a backslash and itself, and not only as `\u` and a number. */
const ESCAPED = /["\\/\p{Cc}]/u;

const selectNewestOpen = sqlFile("select_newest_open");

interface Row {
  readonly delivery_id: string;
  readonly counted: bigint;
  readonly body: Buffer | null;
  readonly may_stop_workers: boolean;
}

/** Finds the open deliveries that concern a person, among the newest ones: at most 1,000, and about 8 MiB. */
export async function searchOpenDeliveries(
  connection: Connection | Pool,
  entityId: string,
): Promise<OpenSearch & { readonly found: readonly FoundDelivery[] }> {
  const { rows } = await connection.query<Row>({
    ...selectNewestOpen,
    values: [
      MAX_SEARCHED,
      MAX_BYTES,
      NUMERIC.test(entityId) ? null : Buffer.from(entityId),
      Buffer.from(ESCAPED.test(entityId) ? "\\" : "\\u"),
    ],
  });
  return {
    found: rows.flatMap((row) => findIn(row, entityId) ?? []),
    searched: rows.length,
    all: rows.length === Number(rows[0]?.counted ?? 0),
  };
}

function findIn({ delivery_id: deliveryId, body, may_stop_workers }: Row, entityId: string) {
  if (body === null) return undefined;
  if (may_stop_workers) {
    const unread = { event: undefined, id: undefined, ticks: undefined };
    return namesPerson(body, entityId) ? { deliveryId, ...unread } : undefined;
  }
  const identity = parseIdentity(body);
  return identity?.entityId === entityId
    ? { deliveryId, event: identity.event, id: identity.id, ticks: parseTime(body) }
    : undefined;
}
