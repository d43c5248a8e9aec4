import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { recordDeliveries, SWEEP_AFTER_SECONDS } from "../../src/index.ts";
import { useRecord } from "../database.ts";
import { delivery } from "../fixtures.ts";

const database = useRecord();

test("any body is kept byte for byte", async () => {
  const { pool } = database;
  const bodies = [
    Buffer.alloc(0),
    Buffer.from([0, 1, 0, 255]),
    Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x80]),
    Buffer.from('\\x00 \\\\ "{}," NULL \u{1f600}'),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    randomBytes(1024 * 1024),
  ];
  const deliveries = bodies.map((body) => delivery(body));
  await recordDeliveries(pool, deliveries);
  for (const { deliveryId, body } of deliveries) {
    const [row] = await database.rows("select body from deliveries where delivery_id = $1", [deliveryId]);
    expect(row).toEqual({ body });
  }
});

test("headers and verification are kept, and the time of receipt is Postgres' own", async () => {
  const { pool } = database;
  const headers = { "content-type": "application/json", odd: '"\\\u0000{},é' };
  const kept = delivery("{}", { headers, verifiedBy: "payload-secret", secretFingerprint: "f00d" });
  await recordDeliveries(pool, [kept]);
  const [row] = await database.rows(
    `select headers, verified_by, secret_fingerprint,
       received_at between now() - interval '1 minute' and now() as just_now,
       due_at - received_at = make_interval(secs => $2) as due, attempts
     from deliveries join open_deliveries using (delivery_id) where delivery_id = $1`,
    [kept.deliveryId, SWEEP_AFTER_SECONDS],
  );
  expect(row).toEqual({
    headers: JSON.stringify(headers),
    verified_by: "payload-secret",
    secret_fingerprint: "f00d",
    just_now: true,
    due: true,
    attempts: 0,
  });
});

test("of deliveries that are recorded together, all are kept or none", async () => {
  const { pool } = database;
  const [first, second] = [delivery("first"), delivery("second")];
  await recordDeliveries(pool, [second]);
  await expect(recordDeliveries(pool, [first, second])).rejects.toThrow("duplicate key");
  expect(await database.rows("select from deliveries where delivery_id = $1", [first.deliveryId])).toEqual(
    [],
  );
  expect(
    await database.rows("select from open_deliveries where delivery_id = $1", [first.deliveryId]),
  ).toEqual([]);
});
