import { expect, test } from "vitest";
import {
  countStall,
  listFailingDeliveries,
  readStats,
  recordFailedAttempt,
  snooze,
} from "../../src/index.ts";
import { useRecord } from "../database.ts";
import { eventBody } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

async function fail(deliveryId: string, error = "TypeError: x"): Promise<void> {
  await recordFailedAttempt(database.pool, { deliveryId, error, stack: undefined, codeVersion: "test" }, [1]);
}

test("open deliveries that failed, are snoozed or stopped a worker are listed, the oldest first", async () => {
  const { pool } = database;
  const [failed = "", snoozed = "", stalled = ""] = await database.record(
    ...["a", "b", "c", "fine"].map((entityId) => eventBody(entityId)),
  );
  await fail(failed, "TypeError: first");
  await fail(failed, "TypeError: second");
  await snooze(pool, snoozed, "DatabaseError 57014: too slow");
  await countStall(pool, stalled);
  expect((await listFailingDeliveries(pool, {}, { limit: 10 })).deliveries).toHaveLength(2);
  await countStall(pool, stalled);

  const { deliveries, next } = await listFailingDeliveries(pool, {}, { limit: 10 });
  expect(deliveries).toMatchObject([
    { deliveryId: failed, entityId: "a", attempts: 2, snoozedUntil: null, lastError: "TypeError: second" },
    { deliveryId: snoozed, entityId: "b", attempts: 0, lastError: "DatabaseError 57014: too slow" },
    { deliveryId: stalled, entityId: null, attempts: 0, stalls: 2, lastError: null },
  ]);
  expect(deliveries[1]?.snoozedUntil).toBe(deliveries[1]?.nextAttemptBy);
  expect(next).toBeUndefined();
  const future = BigInt(Date.now() + 3_600_000) * 10_000n;
  for (const [filter, ids] of [
    [{ kind: "retrying" }, [failed]],
    [{ kind: "snoozed" }, [snoozed]],
    [{ kind: "stalled" }, [stalled]],
    [{ before: future }, [failed, snoozed, stalled]],
    [{ since: future }, []],
  ] as const) {
    const found = await listFailingDeliveries(pool, filter, { limit: 10 });
    expect(found.deliveries.map(({ deliveryId }) => deliveryId)).toEqual(ids);
  }
  expect((await readStats(pool)).deliveries).toMatchObject({ open: 4, failing: 3 });
});

test("a page ends after its limit or a MiB of bodies, and the next one continues", async () => {
  const { pool } = database;
  const ids = await database.record(...["a", "b", "c"].map((entityId) => eventBody(entityId)));
  for (const deliveryId of ids) await fail(deliveryId);
  const first = await listFailingDeliveries(pool, {}, { limit: 2 });
  expect(first.next).toBe(ids[1]);
  expect((await listFailingDeliveries(pool, {}, { limit: 2, after: first.next })).deliveries).toMatchObject([
    { deliveryId: ids[2] },
  ]);
  await pool.query("update open_deliveries set bytes = 1024 * 1024");
  const large = await listFailingDeliveries(pool, {}, { limit: 10 });
  expect([large.deliveries.length, large.next]).toEqual([1, ids[0]]);
});
