import { v7 } from "uuid";
import { expect, onTestFinished, test } from "vitest";
import { snooze, recordDeliveries, SWEEP_AFTER_SECONDS } from "../../src/index.ts";
import { delivery, freshPool, rows } from "../receive.ts";

const HOUR_MS = 3_600_000;

test("a postponed delivery is due after as long again as it has waited, from 30 s to an hour", async () => {
  const { pool, end } = await freshPool();
  onTestFinished(end);
  const waited = [-HOUR_MS, 0, HOUR_MS / 2, 24 * HOUR_MS];
  const now = Date.now();
  const ids = waited.map((ms) => v7({ msecs: now - ms }));
  await recordDeliveries(
    pool,
    ids.map((deliveryId) => delivery("{}", { deliveryId })),
  );

  for (const id of ids) await snooze(pool, id);

  const due = (await rows(
    pool,
    `select extract(epoch from due_at)::float8 * 1000 - $2 as "inMs" from open_deliveries
     where delivery_id = any ($1) order by array_position($1::uuid[], delivery_id)`,
    [ids, now],
  )) as { inMs: number }[];
  const waits = [SWEEP_AFTER_SECONDS * 1000, SWEEP_AFTER_SECONDS * 1000, HOUR_MS / 2, HOUR_MS];
  // However long the test itself took: that is waited, too.
  const tookMs = Date.now() - now;
  for (const [i, { inMs }] of due.entries()) {
    expect(inMs).toBeGreaterThanOrEqual((waits[i] ?? 0) - 1);
    expect(inMs).toBeLessThanOrEqual((waits[i] ?? 0) + 2 * tookMs + 1);
  }
  expect(due).toHaveLength(waits.length);
});
