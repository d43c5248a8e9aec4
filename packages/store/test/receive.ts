import type { Outcome, Outcomes } from "@dossier/events";
import { freshDatabase } from "@dossier/testing";
import { v7 } from "uuid";
import { migrate, openPool, recordDeliveries, settle, type Delivery, type Pool } from "../src/index.ts";

/** A migrated database that is this test's own. */
export async function freshPool({ size = 9, timeoutMs = 60_000 } = {}): Promise<{
  url: string;
  pool: Pool;
  end(): Promise<void>;
}> {
  const { url, drop } = await freshDatabase({ name: "store", make: migrate });
  const pool = openPool(url, { name: "test", size, timeoutMs });
  return {
    url,
    pool,
    async end() {
      await pool.end();
      await drop();
    },
  };
}

export function delivery(body: Buffer | string, given: Partial<Delivery> = {}): Delivery {
  return {
    deliveryId: v7(),
    body: Buffer.from(body),
    headers: {},
    verifiedBy: "signature",
    secretFingerprint: "test",
    ...given,
  };
}

/** Records bodies in one commit, and gives their deliveries' ids. */
export async function receive(pool: Pool, bodies: readonly (Buffer | string)[]): Promise<string[]> {
  const deliveries = bodies.map((body) => delivery(body));
  await recordDeliveries(pool, deliveries);
  return deliveries.map(({ deliveryId }) => deliveryId);
}

/** How each of these deliveries ended: `undefined` while it is open. */
export async function outcomes(pool: Pool, ids: readonly string[]): Promise<(string | undefined)[]> {
  const { rows } = await pool.query<{ delivery_id: string; outcome: string }>(
    "select delivery_id, outcome from settlements where delivery_id = any ($1)",
    [ids],
  );
  const outcomeOf = new Map(rows.map(({ delivery_id, outcome }) => [delivery_id, outcome]));
  return ids.map((id) => outcomeOf.get(id));
}

/** Returns the ids of the deliveries with an outcome of this kind. */
export function idsOf(outcomes: Outcomes, kind: Outcome["kind"]): string[] {
  return [...outcomes].flatMap(([deliveryId, outcome]) => (outcome.kind === kind ? [deliveryId] : []));
}

/** Records a body, settles it, and says how it ended. */
export async function told(pool: Pool, body: Buffer | string): Promise<string | undefined> {
  const ids = await receive(pool, [body]);
  await settle(pool, ids, "test");
  return (await outcomes(pool, ids))[0];
}

/** One row's or more rows' columns. */
export async function rows(pool: Pool, statement: string, values: unknown[] = []): Promise<unknown[]> {
  return (await pool.query<Record<string, unknown>>(statement, values)).rows;
}
