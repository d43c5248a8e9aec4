import type { LoggedDelivery } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

/** An entry of a person's log. */
export interface PersonDelivery extends LoggedDelivery {
  readonly entityId: string;
  readonly deliveryId: string;
  /** The JSON of an event's data, if it was asked for; a redelivery has none, as it equals the event's. */
  readonly data: string | null;
}

const selectRows = statement("select_logged_deliveries");

/**
 * Every send of these persons' events, in no order.
 *
 * @param withData whether what the events say, which is most of their size, comes along
 */
export async function selectPersonDeliveries(
  pool: Pool,
  entityIds: readonly string[],
  { withData }: { readonly withData: boolean },
): Promise<readonly PersonDelivery[]> {
  const { rows } = await pool.query<{
    entity_id: string;
    seq: bigint;
    event: string;
    id: string;
    ticks: bigint;
    delivery_id: string;
    data: string | null;
    received_ticks: bigint;
  }>({ ...selectRows, values: [entityIds, withData] });
  return rows.map(({ entity_id, seq, delivery_id, received_ticks, ...send }) => ({
    ...send,
    entityId: entity_id,
    seq: Number(seq),
    deliveryId: delivery_id,
    receivedTicks: received_ticks,
  }));
}
