import {
  fold,
  identityKey,
  parseDelivery,
  toPerson,
  type Event,
  type PointInTime,
  type Person,
} from "@dossier/events";
import { freshDatabase } from "@dossier/testing";
import { v7 } from "uuid";
import { migrate, openPool, recordDeliveries, settle, type Pool } from "../../src/index.ts";

export interface Record {
  readonly url: string;
  readonly pool: Pool;
  /** Records bodies, each in a commit and thus at a time of its own. Gives the deliveries' ids. */
  receive(bodies: Iterable<Buffer>): Promise<string[]>;
  settle(deliveryIds: readonly string[]): Promise<void>;
  end(): Promise<void>;
}

export async function freshRecord(): Promise<Record> {
  const { url, drop } = await freshDatabase({ name: "store", make: migrate });
  // Room for all who use it at once, and for those who wait for a lock that a test holds.
  const pool = openPool(url, { name: "test", size: 9, timeoutMs: 60_000 });
  return {
    url,
    pool,
    async receive(bodies) {
      const ids: string[] = [];
      for (const body of bodies) {
        const deliveryId = v7();
        const kept = { headers: {}, verifiedBy: "signature", secretFingerprint: "test" } as const;
        await recordDeliveries(pool, [{ deliveryId, body, ...kept }]);
        ids.push(deliveryId);
      }
      return ids;
    },
    async settle(deliveryIds) {
      await settle(pool, deliveryIds, "test");
    },
    async end() {
      await pool.end();
      await drop();
    },
  };
}

/** One send of an event. */
export function body(event: string, id: string, entityId: string, at: string, data: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ event, id, creationTimeUtc: at, data: { entityId, ...data } }));
}

export interface Received {
  readonly receivedTicks: bigint;
  readonly body: Buffer;
}

/** The inbox as it is, with the times at which Postgres received it. */
export async function inbox(pool: Pool): Promise<readonly Received[]> {
  const { rows } = await pool.query<{ body: Buffer; ticks: bigint }>(
    "select body, (extract(epoch from received_at) * 10000000)::bigint as ticks from deliveries order by received_at",
  );
  return rows.map(({ body, ticks }) => ({ body, receivedTicks: ticks }));
}

/** All persons' files at a moment, by entity id: made from the deliveries alone, and nothing that was stored of them. */
export function filesAt(deliveries: readonly Received[], { asOf, knownAt }: PointInTime): readonly Person[] {
  const events = new Map<string, Event>();
  for (const { receivedTicks, body } of deliveries) {
    const read = parseDelivery(body);
    if (!read.ok || (knownAt !== undefined && receivedTicks > knownAt)) continue;
    const key = `${read.value.entityId} ${identityKey(read.value)}`;
    const before = events.get(key);
    if (before === undefined || read.value.ticks < before.ticks) events.set(key, read.value);
  }
  const until = [...events.values()].filter(({ ticks }) => asOf === undefined || ticks <= asOf);
  return [...Map.groupBy(until, ({ entityId }) => entityId)]
    .flatMap(([entityId, own]) => fold(entityId, own) ?? [])
    .map(({ state }) => toPerson(state))
    .sort((a, b) => (a.entityId < b.entityId ? -1 : 1));
}
