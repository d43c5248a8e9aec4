import { formatTicks, parseJson, type JsonObject } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { assignPositions } from "./positions.ts";

/** Something that may have changed a person's state: a new event, or an earlier time for a known one. */
export type Change = NewEvent | EarlierTime;

interface ChangeFields {
  /** Counts the changes of the feed, from 1, without a gap. */
  readonly position: bigint;
  readonly entityId: string;
  readonly event: string;
  readonly id: string;
  /** The event's time in this delivery. */
  readonly creationTimeUtc: string;
  readonly receivedAt: string;
  readonly deliveryId: string;
}

export interface NewEvent extends ChangeFields {
  readonly kind: "event";
  readonly data: JsonObject;
}

/** A redelivery that carries an earlier time for its event. */
export interface EarlierTime extends ChangeFields {
  readonly kind: "earlier-time";
}

export interface ChangePage {
  readonly changes: readonly Change[];
  /** The next page's `after`: the last change's position, or this page's `after` if it has no change. */
  readonly next: bigint;
}

interface Row {
  readonly position: bigint;
  readonly kind: Change["kind"];
  readonly entity_id: string;
  readonly event: string;
  readonly id: string;
  readonly ticks: bigint;
  readonly data: string | null;
  readonly delivery_id: string;
  readonly received_ticks: bigint;
}

// Not named, so that it is planned each time: whether the index is worth it depends on the position.
const { text: selectChanges } = sqlFile("select_changes");

/**
 * Returns a page of all persons' changes in the order of commits. All readers see the same order, and nothing ever
 * appears before a position that was read. A person's changes have the order of the person's log.
 *
 * @param page at most `limit` changes, with positions greater than `after`; 0 begins at the first
 */
export async function readChanges(
  pool: Pool,
  { after, limit }: { readonly after: bigint; readonly limit: number },
): Promise<ChangePage> {
  await assignPositions(pool);
  const { rows } = await pool.query<Row>({ text: selectChanges, values: [after, limit] });
  return { changes: rows.map(toChange), next: rows.at(-1)?.position ?? after };
}

function toChange(row: Row): Change {
  const fields: ChangeFields = {
    position: row.position,
    entityId: row.entity_id,
    event: row.event,
    id: row.id,
    creationTimeUtc: formatTicks(row.ticks),
    receivedAt: formatTicks(row.received_ticks),
    deliveryId: row.delivery_id,
  };
  return row.kind === "event"
    ? { ...fields, kind: "event", data: parseJson(row.data ?? "{}") as JsonObject }
    : { ...fields, kind: "earlier-time" };
}
