import { formatTicks, parseJson, type JsonObject, type Status } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { MAX_PAGE_BYTES, sqlFile } from "../database/statements.ts";
import { findCursor, toCheck, type Cursor } from "./cursor.ts";
import { assignPositions, findLastPosition } from "./positions.ts";

/** Something that may have changed a person's state. */
export type Change = NewEvent | EarlierTime | Rebuilt;

/** Its `position` counts the changes of the feed, from 1, without a gap. */
interface ChangeFields extends Cursor {
  readonly entityId: string;
  /** The person's status after the commit. */
  readonly status: Status;
}

interface EventFields extends ChangeFields {
  readonly event: string;
  readonly id: string;
  /** The event's time in this delivery. */
  readonly creationTimeUtc: string;
  readonly receivedAt: string;
  readonly deliveryId: string;
}

export interface NewEvent extends EventFields {
  readonly kind: "event";
  readonly data: JsonObject;
}

/** A redelivery that carries an earlier time for its event. */
export interface EarlierTime extends EventFields {
  readonly kind: "earlier-time";
}

/** A rebuild that changed the person's state; the status is `null` if it removed the person. */
export interface Rebuilt extends Omit<ChangeFields, "status"> {
  readonly kind: "rebuilt";
  readonly status: Status | null;
  readonly rebuiltAt: string;
}

/** Selects changes. All conditions that are set must hold. */
export interface ChangeFilter {
  readonly entityId?: string | undefined;
  /** The event's type. */
  readonly event?: string | undefined;
  readonly status?: Status | undefined;
}

export interface ChangePage {
  readonly changes: readonly Change[];
  /** The next page's `after`: the last change that was looked at, whether it matched or not. At the feed's end, `after`. */
  readonly next: Cursor;
}

interface Row {
  readonly position: bigint;
  readonly status: Status | null;
  readonly kind: Change["kind"];
  readonly entity_id: string;
  readonly event: string;
  readonly id: string;
  readonly ticks: bigint;
  readonly data: string | null;
  readonly delivery_id: string;
  readonly at_ticks: bigint;
  readonly matches: bigint;
  readonly hash: Buffer;
}

// Not named, so that it is planned each time: whether the index is worth it depends on the position.
const { text: selectChanges } = sqlFile("select_changes");

/** Changes that a page looks at, if a filter lets only some of them through. Limits the time. */
const MAX_LOOKED_AT = 10_000n;

/**
 * Returns a page of all persons' changes in the order of commits. All readers see the same order, and nothing ever
 * appears before a position that was read. A person's changes have the order of the person's log. Returns
 * `position-unknown` if the feed does not have the change that `after` points at: the database was replaced since.
 *
 * @param page at most `limit` changes after `after`, or fewer if they are large
 */
export async function readChanges(
  pool: Pool,
  { after, limit }: { readonly after: Cursor; readonly limit: number },
  { entityId, event, status }: ChangeFilter = {},
): Promise<ChangePage | "position-unknown"> {
  await assignPositions(pool);
  const [known, last] = await Promise.all([findCursor(pool, after.position), findLastPosition(pool)]);
  if (known?.check !== after.check) return "position-unknown";
  const isFiltered = entityId !== undefined || event !== undefined || status !== undefined;
  const looksAt = isFiltered ? MAX_LOOKED_AT : BigInt(limit);
  const end = after.position + looksAt < last ? after.position + looksAt : last;
  if (end <= after.position) return { changes: [], next: after };
  const { rows } = await pool.query<Row>({
    text: selectChanges,
    values: [after.position, end, entityId, event, status, limit, MAX_PAGE_BYTES],
  });
  const changes = rows.map(toChange);
  const lastRow = changes.at(-1);
  const isFull = lastRow !== undefined && (rows.length === limit || rows.length < Number(rows[0]?.matches));
  const next = isFull ? { position: lastRow.position, check: lastRow.check } : await findCursor(pool, end);
  return { changes, next: next ?? after };
}

function toChange(row: Row): Change {
  const cursor = { position: row.position, check: toCheck(row.hash) };
  const at = formatTicks(row.at_ticks);
  const { entity_id: entityId, status } = row;
  if (row.kind === "rebuilt") return { ...cursor, kind: row.kind, entityId, status, rebuiltAt: at };
  const fields: EventFields = {
    ...cursor,
    entityId,
    status: status ?? "unknown",
    event: row.event,
    id: row.id,
    creationTimeUtc: formatTicks(row.ticks),
    receivedAt: at,
    deliveryId: row.delivery_id,
  };
  return row.kind === "event"
    ? { ...fields, kind: row.kind, data: parseJson(row.data ?? "{}") as JsonObject }
    : { ...fields, kind: row.kind };
}
