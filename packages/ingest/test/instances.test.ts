import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { fingerprint } from "../src/verify.ts";
import { createDatabase, ingest, OTHER_SECRET, SECRET } from "./harness.ts";

test("ingest reports the webhooks that it accepted, and those that it refused by reason", async (context) => {
  const DATABASE_URL = await createDatabase(context);
  const { pool, post, close } = await ingest(context, { DATABASE_URL, REDIS_URL: undefined });
  for (const id of ["1", "2"]) expect((await post(eventBody("a", { id }))).status).toBe(200);
  expect((await post(eventBody("a"), OTHER_SECRET)).status).toBe(401);
  await close();
  const { rows } = await pool.query("select service, stopped from instances");
  expect(rows).toEqual([{ service: "ingest", stopped: true }]);
  const { rows: counted } = await pool.query(
    `select key as name, sum(value::int)::int as count from instance_minutes, jsonb_each_text(counts)
     group by key order by key`,
  );
  expect(counted).toEqual([
    { name: "webhook/accepted", count: 2 },
    { name: "webhook/unauthenticated", count: 1 },
  ]);
});

test("ingest reports its settings and which secrets it accepts, and reveals no secret", async (context) => {
  const DATABASE_URL = await createDatabase(context);
  const { pool, close } = await ingest(context, {
    DATABASE_URL,
    REDIS_URL: undefined,
    MAX_BODY_BYTES: 4_711,
  });
  await close();
  const { rows } = await pool.query<{ settings: string; secrets: string[] }>(
    "select settings::text, secret_fingerprints as secrets from instances",
  );
  expect(rows[0]?.secrets).toEqual([fingerprint(SECRET)]);
  expect(JSON.parse(rows[0]?.settings ?? "")).toMatchObject({
    MAX_BODY_BYTES: "4711",
    DATABASE_URL: "set, not shown",
    ICOMPLY_WEBHOOK_SECRETS: "set, not shown",
    REDIS_URL: "not set",
  });
  expect(JSON.stringify(rows)).not.toMatch(/whs_|postgres:/);
});
