import { parseJson, type JsonObject, type LoggedSend } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

/** An entry of a person's log, without what it said. */
export interface PersonSend extends LoggedSend {
  readonly entityId: string;
  readonly deliveryId: string;
}

const selectSendRows = statement("select_sends");

/** Every send of these persons' events, in no order. */
export async function selectSends(pool: Pool, entityIds: readonly string[]): Promise<readonly PersonSend[]> {
  const { rows } = await pool.query<{
    entity_id: string;
    seq: bigint;
    event: string;
    id: string;
    ticks: bigint;
    delivery_id: string;
    received_ticks: bigint;
  }>({ ...selectSendRows, values: [entityIds] });
  return rows.map(({ entity_id, seq, delivery_id, received_ticks, ...place }) => ({
    ...place,
    entityId: entity_id,
    seq: Number(seq),
    deliveryId: delivery_id,
    receivedTicks: received_ticks,
  }));
}

interface Identified {
  readonly entityId: string;
  readonly event: string;
  readonly id: string;
}

const selectDataRows = statement("select_data");

/** These events, each with what it said; in the same order. */
export async function selectData<E extends Identified>(
  pool: Pool,
  events: readonly E[],
): Promise<readonly (E & { readonly data: JsonObject })[]> {
  const { rows } = await pool.query<{ entity_id: string; event: string; id: string; data: string }>({
    ...selectDataRows,
    values: [
      events.map(({ entityId }) => entityId),
      events.map(({ event }) => event),
      events.map(({ id }) => id),
    ],
  });
  const dataOf = new Map(rows.map(({ entity_id, event, id, data }) => [key(entity_id, event, id), data]));
  return events.flatMap((event) => {
    const data = dataOf.get(key(event.entityId, event.event, event.id));
    return data === undefined ? [] : [{ ...event, data: parseJson(data) as JsonObject }];
  });
}

function key(entityId: string, event: string, id: string): string {
  return JSON.stringify([entityId, event, id]);
}
