import { formatTicks, type Ticks } from "@dossier/events";
import { endOfPage, type PageRequest } from "../database/page.ts";
import type { Pool } from "../database/pool.ts";
import { MAX_PAGE_BYTES, sqlFile } from "../database/statements.ts";
import { parseIdentity } from "./identity.ts";
import { toOpenState, type OpenState, type OpenStateRow } from "./open-state.ts";

/** Why a delivery is still open: an attempt failed, it is snoozed, or a worker stopped at it. */
export const FAILING_KINDS = ["retrying", "snoozed", "stalled"] as const;

/** Selects failing deliveries. All conditions that are set must hold. */
export interface FailingFilter {
  readonly kind?: (typeof FAILING_KINDS)[number] | undefined;
  /** Received at this time or later. */
  readonly since?: Ticks | undefined;
  /** Received before this time. */
  readonly before?: Ticks | undefined;
}

/** An open delivery that failed, stopped a worker or is snoozed. */
export interface FailingDelivery extends OpenState {
  readonly deliveryId: string;
  /** The event's identity, as far as the bytes can be parsed; `null` for one that may have stopped a worker. */
  readonly event: string | null;
  readonly id: string | null;
  readonly entityId: string | null;
  readonly bytes: number;
  readonly receivedAt: string;
}

export interface FailingPage {
  /** The oldest first. */
  readonly deliveries: readonly FailingDelivery[];
  /** The next page's `after`; `undefined` if there is none. */
  readonly next: string | undefined;
}

interface Row extends OpenStateRow {
  readonly delivery_id: string;
  readonly matches: bigint;
  readonly bytes: number;
  readonly body: Buffer | null;
  readonly received_ticks: bigint;
}

const selectFailing = sqlFile("select_failing_deliveries");

/**
 * Returns a page of the open deliveries that failed, stopped a worker or are snoozed.
 *
 * @param page at most `limit` deliveries, or fewer if their bodies are large, with ids greater than `after`
 */
export async function listFailingDeliveries(
  pool: Pool,
  { kind, since, before }: FailingFilter,
  { limit, after }: PageRequest<string>,
): Promise<FailingPage> {
  const { rows } = await pool.query<Row>({
    ...selectFailing,
    values: [after, limit, MAX_PAGE_BYTES, kind, since, before],
  });
  return {
    deliveries: rows.map(toFailing),
    next: endOfPage(rows, limit, rows[0]?.matches)?.delivery_id,
  };
}

function toFailing(row: Row): FailingDelivery {
  const identity = row.body === null ? undefined : parseIdentity(row.body);
  return {
    deliveryId: row.delivery_id,
    event: identity?.event ?? null,
    id: identity?.id ?? null,
    entityId: identity?.entityId ?? null,
    bytes: row.bytes,
    receivedAt: formatTicks(row.received_ticks),
    ...toOpenState(row),
  };
}
