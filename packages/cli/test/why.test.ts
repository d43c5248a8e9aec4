import { countStall, recordFailedAttempt, snooze } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { formatCase } from "../src/commands/why/format.ts";
import { dossier } from "./command.ts";
import { startConsoleAlone, type Running } from "./services.ts";

/** A person with deliveries of every kind. Returns their ids. */
async function recordPerson({ pool, record, recordAndSettle, recordAndExhaust }: Running, entityId: string) {
  const [applied = ""] = await recordAndSettle(eventBody(entityId, { data: { entity: "Ada Lovelace" } }));
  const [conflict = ""] = await recordAndSettle(eventBody(entityId, { data: { entity: "Another" } }));
  const dead = await recordAndExhaust(
    eventBody(entityId, { id: "2", event: "NaturalPersonManuallyApproved" }),
    "TypeError: cannot fold",
  );
  const [waiting = "", failing = "", snoozed = "", stalled = ""] = await record(
    ...["3", "4", "5", "6"].map((id) => eventBody(entityId, { id })),
  );
  const failure = { deliveryId: failing, error: "TypeError: broken", stack: undefined, codeVersion: "test" };
  await recordFailedAttempt(pool, failure, [1]);
  await snooze(pool, snoozed, "DatabaseError 57014: too slow");
  await countStall(pool, stalled);
  return { applied, conflict, dead, waiting, failing, snoozed, stalled };
}

/** The lines of a text from the one with this id to the next one that is not indented. */
function partOf(text: string, id: string): string {
  return new RegExp(`^\\S.*${id}.*\\n(?: .*\\n)*`, "m").exec(text)?.[0] ?? "";
}

test("why shows a person's state, what is not in it, why, and what would have to happen", async () => {
  const running = await startConsoleAlone();
  const ids = await recordPerson(running, "..");
  const { code, stdout } = await dossier(["why", ".."], running.env);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\.\., Ada Lovelace, .+\nstatus pending\nevents 1, .+\n→ waits for Natural/);
  expect(partOf(stdout, ids.waiting)).toContain("waits for a worker");
  expect(partOf(stdout, ids.failing)).toMatch(/1 attempts failed.*\n.*TypeError: broken\n.*dead-letter it/);
  expect(partOf(stdout, ids.snoozed)).toMatch(/snoozed until .*\n.*57014: too slow\n.*settles by itself/);
  expect(partOf(stdout, ids.stalled)).toMatch(/1 workers began it alone.*\n.*dead-letter it/);
  expect(partOf(stdout, ids.dead)).toMatch(
    /NaturalPersonManuallyApproved.*\n.*the last one with TypeError\n.*report the stack/,
  );
  expect(partOf(stdout, ids.conflict)).toMatch(/received before.*\n.*ask iComply/);
  expect(stdout).toMatch(new RegExp(`applied .*NaturalPersonPending .*${ids.applied}`));
  expect(stdout.split("\n").length).toBeLessThan(50);

  const json = JSON.parse((await dossier(["why", "..", "--json"], running.env)).stdout);
  expect(json).toMatchObject({ person: { status: "pending" }, open: { items: [{}, {}, {}, {}] } });
});

test("why explains a person without a file, and names similar persons of an unknown one", async () => {
  const { env, recordAndSettle, recordAndExhaust } = await startConsoleAlone();
  await recordAndSettle(eventBody("p-1", { data: { entity: "Ada Lovelace" } }));
  const dead = await recordAndExhaust(eventBody("only dead"));
  const shown = await dossier(["why", "only dead"], env);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain("only dead: no file");
  expect(shown.stdout).toContain(dead);
  expect(await dossier(["why", "lovelace"], env)).toEqual({
    code: 1,
    stdout: "",
    stderr:
      "Nothing is known of a person with the id lovelace. Persons whose name, e-mail or id contains it: p-1 (Ada Lovelace).\n",
  });
});

test("why says if not all open deliveries were searched", () => {
  const list = { items: [], nextCursor: null, openDeliveriesSearched: { searched: 1_000, all: false } };
  const lists = { open: list, deadLettered: list, discarded: list, latest: list };
  expect(formatCase({ entityId: "a", person: null, ...lists })).toContain(
    "only the newest 1000 open deliveries were searched; there are more",
  );
});

test("status shows what is alive or was lost in the last hour, and what needs somebody", async () => {
  const { env, pool } = await startConsoleAlone();
  await pool.query(`insert into instances
      (instance_id, service, version, host, pid, started_at, last_seen_at, stopped, paused_because, jobs, rate)
    values
      (gen_random_uuid(), 'worker', '1.2.3', 'a', 7, now(), now() + interval '1 hour', false, null, 64, 120),
      (gen_random_uuid(), 'worker', '1.2.3', 'b', 8, now(), now() - interval '59 min', false, 'queue-unavailable', 0, 0),
      (gen_random_uuid(), 'worker', '1.2.3', 'long-lost', 8, now(), now() - interval '61 min', false, null, 0, 0),
      (gen_random_uuid(), 'ingest', '1.2.3', 'stopped', 9, now(), now(), true, null, 0, 0)`);
  const { code, stdout, stderr } = await dossier(["status"], env);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: "No ingest is alive, so no webhook is accepted: start one, or look at its log.\n",
  });
  expect(stdout).toMatch(/^worker +a +7 +1\.2\.3 +alive +64 +120\/s$/m);
  expect(stdout).toMatch(/^worker +b +8 +1\.2\.3 +LOST at .+Z +0 +0\/s +PAUSED: queue-unavailable$/m);
  expect(stdout).not.toMatch(/stopped|long-lost/);
  await pool.query("update instances set stopped = false where host = 'stopped'");
  expect(await dossier(["status"], env)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\nHealthy: .+\n$/),
  });
});

test("delivery shows any delivery, failing lists those that fail, status counts them", async () => {
  const running = await startConsoleAlone();
  const ids = await recordPerson(running, "p-1");
  const { env } = running;
  const applied = await dossier(["delivery", ids.applied], env);
  expect(applied.stdout).toContain(
    `delivery ${ids.applied}, now applied\nevent NaturalPersonPending 1 of person p-1`,
  );
  expect(applied.stdout).toContain("in the log as event, number 1");
  expect((await dossier(["delivery", crypto.randomUUID()], env)).code).toBe(1);

  const failing = await dossier(["failing"], env);
  expect(failing.stdout).toMatch(new RegExp(`${ids.failing} .* 1 .*p-1 +TypeError: broken`));
  expect(failing.stdout).toMatch(new RegExp(`${ids.snoozed} .* 0 .*p-1 +DatabaseError 57014`));
  expect(failing.stdout).not.toContain(ids.waiting);
  expect((await dossier(["failing", "--limit", "1"], env)).stdout).toContain("there are more");

  const status = await dossier(["status"], env);
  expect(status.stdout).toMatch(/^console +ready$/m);
  expect(status.stdout).toMatch(/^backlog +4 open deliveries, the oldest for \d+ s$/m);
  expect(status.stdout).toMatch(/^failing +2 of them/m);
  expect(status.stdout).toMatch(/^dead letters +conflicting-duplicate 1, fold-failed 1$/m);
  expect(status.stdout).toMatch(/^rebuild +not needed$/m);
  expect(await dossier(["status"], { CONSOLE_URL: "http://127.0.0.1:1" })).toMatchObject({ code: 1 });
});
