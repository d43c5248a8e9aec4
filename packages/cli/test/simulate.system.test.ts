import { mkdtemp, mkdtempDisposable, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@dossier/embedded";
import type { Person } from "@dossier/events";
import { expect, onTestFinished, test } from "vitest";
import type { SimulationReport } from "../src/simulation/report.ts";
import { dossier } from "./command.ts";
import { startAll } from "./services.ts";

const SIMULATE = ["simulate", "--persons", "30", "--duplicates", "0.3", "--shuffle", "0.5", "--seed", "7"];

test("simulate sends a whole scenario, and finds every person in the expected state", async () => {
  const { env, pool } = await startAll();
  const { code, stdout, stderr } = await dossier([...SIMULATE, "--check", "--json"], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { sent, statuses, check } = JSON.parse(stdout) as SimulationReport;
  expect(check).toEqual({ open: 0, persons: 30, mismatched: 0, mismatches: [] });
  expect(sent).toMatchObject({ refused: 0, unanswered: 0, kinds: { conflict: 0 } });
  expect(sent.accepted).toBe(sent.kinds.first + sent.kinds.retry + sent.kinds.duplicate);
  expect(sent.kinds.retry).toBeGreaterThan(0);
  expect(sent.kinds.duplicate).toBeGreaterThan(0);
  expect(Object.values(statuses).reduce((a, b) => a + b)).toBe(30);

  const { rows } = await pool.query("select count(*) from deliveries union all select count(*) from events");
  expect(rows).toEqual([{ count: BigInt(sent.accepted) }, { count: BigInt(sent.kinds.first) }]);
});

test("simulate exits 1 for an unexpected state, and prints the person and fields, but no value", async () => {
  const { env, pool } = await startAll();
  await dossier([...SIMULATE, "--check"], env);
  const { rows } = await pool.query<{ entity_id: string }>(
    `update natural_persons set state = jsonb_set(state::jsonb, '{email}', '"spoilt"')::json
     where entity_id = (select min(entity_id) from natural_persons) returning entity_id`,
  );
  await pool.query(
    "delete from natural_persons where entity_id = (select max(entity_id) from natural_persons)",
  );
  // All are duplicates by now, which change nothing and repair nothing.
  const { code, stderr } = await dossier([...SIMULATE, "--check"], env);
  expect(code).toBe(1);
  expect(stderr).toContain("2 persons are not in the expected state:");
  expect(stderr).toContain(`  ${rows[0]?.entity_id}: email\n`);
  expect(stderr).toContain(": not known\n");
  expect(stderr).not.toContain("spoilt");
});

test("--expect writes the same persons for the same seed, one a line", async () => {
  const { env } = await startAll();
  const dir = await mkdtemp(join(tmpdir(), "dossier-simulate-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const file = join(dir, "expect.ndjson");
  const toFile = await dossier([...SIMULATE, "--expect", file], env);
  const toStdout = await dossier([...SIMULATE, "--expect", "-"], env);
  expect([toFile.code, toStdout.code]).toEqual([0, 0]);
  expect(toStdout.stdout).toBe(await readFile(file, "utf8"));
  const persons = toStdout.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Person);
  expect(new Set(persons.map(({ entityId }) => entityId)).size).toBe(30);
  expect(toFile.stdout).toContain("accepted");
});

test("simulate reports what it sent even if the console does not answer", async () => {
  const { env } = await startAll();
  await using dir = await mkdtempDisposable(join(tmpdir(), "dossier-simulate-"));
  const file = join(dir.path, "expect.ndjson");
  const unreachable = ["--check", "--console", `http://127.0.0.1:${await freePort()}`];
  const { code, stdout, stderr } = await dossier(
    [...SIMULATE, ...unreachable, "--expect", file, "--json"],
    env,
  );
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^the persons were not compared: .*ECONNREFUSED/),
  });
  const { sent, check } = JSON.parse(stdout) as SimulationReport;
  expect(sent).toMatchObject({ refused: 0, unanswered: 0 });
  expect(check).toEqual({ error: expect.stringContaining("ECONNREFUSED") });
  expect((await readFile(file, "utf8")).trim().split("\n")).toHaveLength(30);
});

test("simulate exits 1 if webhooks are refused, and prints the first error", async () => {
  const { env } = await startAll();
  const { code, stderr } = await dossier([...SIMULATE, "--secret", "whs_of_somebody_else"], env);
  expect(code).toBe(1);
  expect(stderr).toMatch(/\d+ webhooks were not accepted; the first: 401 unauthenticated/);
});
