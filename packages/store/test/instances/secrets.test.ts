import { v7 } from "uuid";
import { expect, test } from "vitest";
import { listSecrets, recordDeliveries, writeReport } from "../../src/index.ts";
import { tamper, useRecord } from "../database.ts";
import { delivery, eventBody } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

/** Records a delivery that a secret verified so many hours ago. */
async function use(secretFingerprint: string, hoursAgo: number): Promise<void> {
  const one = delivery(eventBody("a"), { secretFingerprint });
  await recordDeliveries(database.pool, [one]);
  const receivedAt = `received_at = now() - interval '${hoursAgo} h'`;
  await tamper(database.pool, `update deliveries set ${receivedAt} where delivery_id = '${one.deliveryId}'`);
}

/** Reports an ingest that accepts these secrets. */
const accept = (secretFingerprints: readonly string[], stopped = false) =>
  writeReport(database.pool, {
    ...{ instanceId: v7(), service: "ingest", version: "1", host: "h", pid: 1 },
    ...{ stopped, pausedBecause: null, jobs: 0, rate: 0, minutes: [], secretFingerprints },
  });

const states = async () =>
  Object.fromEntries(
    (await listSecrets(database.pool)).map(({ fingerprint, state }) => [fingerprint, state]),
  );

test("a secret is safe to remove when another one has verified deliveries for a day without it", async () => {
  await accept(["old", "new"]);
  await accept(["gone"], true);
  await use("gone", 99);
  await use("old", 90);
  await use("old", 80);
  expect(await states()).toEqual({ old: "in-use", new: "unused", gone: "removed" });
  // A single one may be a test of the new secret, after a quiet weekend.
  await use("new", 26);
  expect(await states()).toEqual({ old: "in-use", new: "in-use", gone: "removed" });
  await use("new", 1);
  expect(await states()).toEqual({ old: "safe-to-remove", new: "in-use", gone: "removed" });
});

test("a secret that is no longer accepted takes over from none", async () => {
  await accept(["old"]);
  await use("old", 48);
  await use("trial", 1);
  expect(await states()).toEqual({ trial: "removed", old: "in-use" });
});

test("a secret has its first and its last use, and one that was never used has neither", async () => {
  expect(await listSecrets(database.pool)).toEqual([]);
  await accept(["unused"]);
  for (const hoursAgo of [5, 3, 1]) await use("used", hoursAgo);
  const [unused, used] = await listSecrets(database.pool);
  expect(unused).toMatchObject({ fingerprint: "unused", firstUsedAt: null, lastUsedAt: null });
  const hoursAgo = [used?.firstUsedAt, used?.lastUsedAt].map((at) =>
    Math.round((Date.now() - Date.parse(at ?? "")) / 3_600_000),
  );
  expect(hoursAgo).toEqual([5, 1]);
});
