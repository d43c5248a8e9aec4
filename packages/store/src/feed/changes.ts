import { formatTicks, parseJson, type JsonObject } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { assignPositions } from "./positions.ts";

/** Something that may have changed a person's file: a new event, or an earlier time for a known one. */
export type Change = NewEvent | EarlierTime;

interface Told {
  /** Its place in the feed: counts from 1, without a gap. */
  readonly position: bigint;
  readonly entityId: string;
  readonly event: string;
  readonly id: string;
  /** The event's time, as this delivery told it. */
  readonly creationTimeUtc: string;
  readonly receivedAt: string;
  readonly deliveryId: string;
}

export interface NewEvent extends Told {
  readonly kind: "event";
  readonly data: JsonObject;
}

/** A further send of an event moved it back in time. */
export interface EarlierTime extends Told {
  readonly kind: "earlier-time";
}

export interface ChangePage {
  readonly changes: readonly Change[];
  /** The `after` to go on with: the last change's position, or the same as before where there was none. */
  readonly next: bigint;
}

// Planned anew each time: how much a page is worth reading by the index depends on where it is.
const { text: selectChanges } = statement("select_changes");

/**
 * Every change of every person in the order of commits: all readers see the same order, and nothing ever appears
 * before a position that was read. A person's changes stand in the order of the person's log.
 *
 * @param page at most `limit` changes, with positions after `after`: 0 for all
 */
export async function readChanges(
  pool: Pool,
  { after, limit }: { readonly after: bigint; readonly limit: number },
): Promise<ChangePage> {
  await assignPositions(pool);
  const { rows } = await pool.query<Row>({ text: selectChanges, values: [after, limit] });
  return { changes: rows.map(toChange), next: rows.at(-1)?.position ?? after };
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

function toChange({
  kind,
  position,
  entity_id,
  event,
  id,
  ticks,
  data,
  delivery_id,
  received_ticks,
}: Row): Change {
  const told: Told = {
    position,
    entityId: entity_id,
    event,
    id,
    creationTimeUtc: formatTicks(ticks),
    receivedAt: formatTicks(received_ticks),
    deliveryId: delivery_id,
  };
  return kind === "event"
    ? { ...told, kind, data: parseJson(data ?? "{}") as JsonObject }
    : { ...told, kind };
}
