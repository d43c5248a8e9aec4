import type { EventOrderKey } from "@dossier/events";
import type { Connection, Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";

/** An event of the log, without its data. */
export interface LoggedEvent extends EventOrderKey {
  readonly entityId: string;
}

// Not named, so that it is planned each time: a kept plan may scan a table that was small once.
const { text } = sqlFile("select_event_data");

/**
 * Returns the data of the first of these events, as JSON: of at least one, and of as many as were received in
 * `maxBytes`. Throws if the log has not all of them.
 */
export async function selectEventData(
  connection: Pool | Connection,
  events: readonly LoggedEvent[],
  maxBytes: number,
): Promise<string[]> {
  if (events.length === 0) return [];
  const { rows } = await connection.query<{ data: string }>({
    text,
    values: [
      events.map(({ entityId }) => entityId),
      events.map(({ event }) => event),
      events.map(({ id }) => id),
      maxBytes,
    ],
  });
  if (rows.length === 0) throw new Error("the log lacks an event that it had just now");
  return rows.map(({ data }) => data);
}
