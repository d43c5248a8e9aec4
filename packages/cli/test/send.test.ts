import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { samples } from "@dossier/simulator";
import { expect, onTestFinished, test } from "vitest";
import { dossier, runDossier } from "./command.ts";
import { startAll } from "./services.ts";

test("send posts the samples, and prints the delivery of each", async () => {
  const { env, pool } = await startAll();
  const { code, stdout } = await dossier(["send", "--json"], env);
  expect(code).toBe(0);
  const printed = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { deliveryId: string });
  const { rows } = await pool.query<{ body: Buffer }>(
    "select body from unnest($1::uuid[]) with ordinality as sent (id, position) join deliveries on id = delivery_id order by position",
    [printed.map(({ deliveryId }) => deliveryId)],
  );
  expect(rows.map(({ body }) => body.toString())).toEqual(samples().map(({ body }) => body.toString()));
});

test("send posts files and stdin byte for byte", async () => {
  const { env, pool } = await startAll();
  const dir = await mkdtemp(join(tmpdir(), "dossier-send-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const file = join(dir, "odd.json");
  await writeFile(file, Buffer.from([0x7b, 0xff, 0x0a]));
  const { code, stdout } = await runDossier(["send", file, "-"], env, "from stdin\n");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^odd.json: accepted, delivery .+\nstdin: accepted, delivery .+\n$/);
  const { rows } = await pool.query<{ body: Buffer }>("select body from deliveries order by delivery_id");
  expect(rows.map(({ body }) => body.toString("hex"))).toEqual([
    "7bff0a",
    Buffer.from("from stdin\n").toString("hex"),
  ]);
});

test("send exits 1 if a payload is refused, and prints why", async () => {
  const { env } = await startAll();
  const { code, stdout, stderr } = await dossier(["send", "--secret", "whs_of_somebody_else"], env);
  expect(code).toBe(1);
  expect(stdout).toContain("natural-person-pending.json: refused: 401 unauthenticated");
  expect(stderr).toContain(`${samples().length} not accepted by http://127.0.0.1:`);
});

test("send gives up after the given time if nothing answers", async () => {
  const env = { ICOMPLY_WEBHOOK_SECRETS: "whs_of_this_test", INGEST_PORT: "1" };
  const { code, stdout } = await dossier(["send", "--give-up-after", "0"], env);
  expect(code).toBe(1);
  expect(stdout).toContain("not accepted after 1 attempts: connect ECONNREFUSED 127.0.0.1:1");
});
