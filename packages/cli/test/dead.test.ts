import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { openQueue } from "@dossier/queue";
import { createBulkAction, findBulkAction, findDeadLetter } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { runningTest, waitFor } from "@dossier/testing";
import { expect, onTestFinished, test } from "vitest";
import { createConsoleClient } from "../src/console-client.ts";
import { dossier, start } from "./command.ts";
import { startConsoleAlone } from "./services.ts";

/** A console, what it reads, and the command as its client. */
async function startDead() {
  const { env, url, ...record } = await startConsoleAlone();
  const queue = openQueue(
    { databaseUrl: url },
    { name: "test", timeoutMs: 20_000, onError: () => undefined },
  );
  onTestFinished(() => queue.close());
  return {
    ...record,
    env,
    queue,
    dead: (...args: readonly string[]) => dossier(["dead", ...args], env),
    /** Records deliveries that cannot be parsed, and dead-letters them. */
    recordUnparsable: (count: number) => record.recordAndSettle(...Array<string>(count).fill("{")),
    /** Records a delivery that failed, and would be applied now. */
    recordFailed: (entityId: string) =>
      record.recordAndExhaust(eventBody(entityId, { id: crypto.randomUUID() })),
  };
}

test("dead list lists what the filters select, and counts all", async () => {
  const { dead, recordUnparsable, recordFailed } = await startDead();
  await recordUnparsable(3);
  const id = await recordFailed("a");

  const all = await dead("list", "--limit", "2");
  expect(all).toMatchObject({ code: 0, stderr: "" });
  expect(all.stdout).toContain("4 dead letters: fold-failed 1, unparsable 3");
  expect(all.stdout).toContain("the latest 2 are listed");
  expect(all.stdout).toMatch(new RegExp(`${id}  NaturalPersonPending +[0-9a-f-]{36} +a +attempts failed: 1`));
  expect(all.stdout).toContain("the body is not JSON");
  const selected = await dead("list", "--reason", "fold-failed", "--since", "1h", "--json");
  expect(JSON.parse(selected.stdout)).toMatchObject({
    items: [{ deliveryId: id, reason: "fold-failed" }],
    counts: { "fold-failed": 1 },
  });
  for (const time of ["1h", "2020-01-31", "2020-01-31 12:00"])
    expect((await dead("list", "--before", time)).stdout).toBe("no dead letters\n");
  expect(await dead("list", "--before", "soon")).toMatchObject({ code: 2, stdout: "" });
});

test("dead list reads as many pages as --limit needs", async () => {
  const { dead, recordUnparsable } = await startDead();
  const ids = await recordUnparsable(1_234);
  const { items } = JSON.parse((await dead("list", "--limit", "1100", "--json")).stdout) as {
    items: { deliveryId: string }[];
  };
  const listed = new Set(items.map(({ deliveryId }) => deliveryId));
  expect(ids.filter((id) => listed.has(id))).toHaveLength(1_100);
});

test("dead show prints the whole history and the exact bytes", async () => {
  const { dead, recordFailed } = await startDead();
  const id = await recordFailed("a");
  const shown = await dead("show", id);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain(
    "dead-lettered, fold-failed: attempts failed: 1, the last one with TypeError",
  );
  expect(shown.stdout).toContain('"entityId":"a"');
  const { body } = JSON.parse((await dead("show", id, "--json")).stdout) as { body: { text: string } };
  expect(JSON.parse(body.text)).toMatchObject({ data: { entityId: "a" } });
  const unknown = crypto.randomUUID();
  expect(await dead("show", unknown)).toMatchObject({ code: 1, stderr: expect.stringContaining(unknown) });
});

test("dead redrive reopens and enqueues what the filter selects, and records who decided and why", async () => {
  const { pool, queue, dead, recordUnparsable, recordFailed } = await startDead();
  await recordUnparsable(2);
  const id = await recordFailed("a");

  const redriven = await dead("redrive", "--reason", "fold-failed", "--because", "fixed in 1.0.1");
  expect(redriven).toMatchObject({ code: 0, stdout: "1 redriven\n", stderr: "" });
  expect(await queue.counts()).toMatchObject({ waiting: 1 });
  expect(await findDeadLetter(pool, id)).toMatchObject({
    status: "open",
    decisions: [{ action: "redrive", decidedBy: "bootstrap", reason: "fixed in 1.0.1" }],
  });
});

test("dead redrive of named deliveries redrives those that are dead letters, and fails for the others", async () => {
  const { pool, dead, recordFailed } = await startDead();
  const [first, second] = [await recordFailed("a"), await recordFailed("b")];
  expect(await dead("redrive", first, "--because", "fixed")).toMatchObject({
    code: 0,
    stdout: "1 redriven\n",
  });
  expect(await dead("redrive", first, second, "--because", "again")).toMatchObject({
    code: 1,
    stdout: "1 redriven\n",
    stderr: `not dead letters: ${first}\n`,
  });
  expect(await findDeadLetter(pool, second)).toMatchObject({ status: "open" });
});

test("dead redrive --dry-run shows what would change and what would fail, and changes nothing", async () => {
  const { dead, recordUnparsable, recordFailed } = await startDead();
  const [bad = ""] = await recordUnparsable(1);
  await recordFailed("a");
  await recordFailed("a");

  const result = await dead("redrive", "--all", "--dry-run");
  expect(result.code).toBe(1);
  expect(result.stdout).toContain("a (new)\n");
  expect(result.stdout).toContain('status: null → "pending"');
  expect(result.stdout).toContain("version: null → 2");
  expect(result.stdout).toContain(`${bad} would fail: unparsable`);
  expect((await dead("redrive", "--reason", "fold-failed", "--dry-run")).code).toBe(0);
  expect((await dead("list")).stdout).toContain("3 dead letters");
});

test("dead redrive --dry-run of named deliveries shows a person's change over all of them", async () => {
  const { dead, recordFailed } = await startDead();
  const [one, two] = [await recordFailed("a"), await recordFailed("a")];
  const { code, stdout } = await dead("redrive", one, two, "--dry-run");
  expect(code).toBe(0);
  expect(stdout.match(/version: .*/g)).toEqual(["version: null → 2"]);
});

test("dead redrive reaches all that match, however many, and no others", async () => {
  const { dead, recordUnparsable, recordFailed, statuses } = await startDead();
  const ids = await recordUnparsable(1_001);
  const other = await recordFailed("a");
  expect((await dead("redrive", "--text", "{", "--reason", "unparsable", "--dry-run")).stdout).toContain(
    "dead-lettered 1 001",
  );
  expect(await dead("redrive", "--reason", "unparsable", "--because", "fixed")).toMatchObject({
    code: 0,
    stdout: "1 001 redriven\n",
    stderr: "",
  });
  expect(new Set(await statuses(ids))).toEqual(new Set(["open"]));
  expect(await statuses([other])).toEqual(["fold-failed"]);
});

test("dead redrive --dry-run --json counts outcomes and lists persons and what would fail", async () => {
  const { dead, recordUnparsable, recordFailed } = await startDead();
  const [bad = ""] = await recordUnparsable(1);
  const id = await recordFailed("a");
  const { code, stdout } = await dead("redrive", bad, id, crypto.randomUUID(), "--dry-run", "--json");
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    dryRun: true,
    outcomes: { applied: 1, "dead-lettered": 1, "not-dead-lettered": 1 },
    persons: [{ entityId: "a", before: null, after: { status: "pending" } }],
    unsettled: [{ deliveryId: bad }, {}],
  });
});

test("dead discard reaches all that match, however many, and removes their failed jobs", async () => {
  const { pool, queue, dead, recordUnparsable } = await startDead();
  const ids = await recordUnparsable(1_234);
  await queue.enqueueSingle(ids[0]!);

  expect((await dead("discard", "--text", "{", "--dry-run")).stdout).toBe("1 234 would be discarded\n");
  const discarded = await dead("discard", "--text", "{", "--because", "noise", "--json");
  expect(discarded.code).toBe(0);
  expect(JSON.parse(discarded.stdout)).toEqual({ discarded: 1_234, jobsLeft: 0 });
  expect(await queue.counts()).toMatchObject({ waiting: 0 });
  expect(await findDeadLetter(pool, ids[1]!)).toMatchObject({
    status: "discarded",
    decisions: [{ action: "discard", decidedBy: "bootstrap", reason: "noise" }],
  });
});

test("dead discard of a named delivery leaves the others, and fails when it is repeated", async () => {
  const { dead, recordUnparsable } = await startDead();
  const [id = ""] = await recordUnparsable(2);
  expect((await dead("discard", id, "--dry-run")).stdout).toBe("1 would be discarded\n");
  expect(await dead("discard", id, "--because", "noise")).toMatchObject({ code: 0, stdout: "1 discarded\n" });
  expect(await dead("discard", id, "--because", "noise")).toMatchObject({ code: 1, stdout: "0 discarded\n" });
  expect((await dead("list")).stdout).toContain("1 dead letters: unparsable 1");
});

test("dead discard takes more named deliveries than one request, and its dry run does not", async () => {
  const { dead, recordUnparsable } = await startDead();
  const [id = ""] = await recordUnparsable(1);
  const unknown = Array.from({ length: 500 }, () => crypto.randomUUID());
  expect(await dead("discard", ...unknown, id, "--dry-run")).toMatchObject({
    code: 1,
    stderr: "A dry run takes 500 named deliveries at most: give a filter.\n",
  });
  expect(await dead("discard", ...unknown, id, "--because", "noise")).toMatchObject({
    code: 1,
    stdout: "1 discarded\n",
    stderr: `not dead letters: ${unknown.join(", ")}\n`,
  });
});

test("dead list --discarded shows who discarded what and why, and dead restore undoes it", async () => {
  const { dead, recordUnparsable, recordFailed, statuses } = await startDead();
  const [id = "", other = ""] = await recordUnparsable(3);
  const failed = await recordFailed("a");
  await dead("discard", "--all", "--because", "a mistake");
  const listed = await dead("list", "--discarded");
  expect(listed.stdout).toMatch(/ DISCARDED BY$/m);
  expect(listed.stdout).toMatch(
    new RegExp(`fold-failed +${failed} .* a .*TypeError.* bootstrap: a mistake$`, "m"),
  );
  expect(listed.stdout).toContain("4 discarded deliveries: fold-failed 1, unparsable 3");
  expect((await dead("list")).stdout).toBe("no dead letters\n");

  expect(await dead("restore", id, "--because", "needed")).toMatchObject({ code: 0, stdout: "1 restored\n" });
  expect(await dead("restore", id, "--because", "needed")).toMatchObject({
    code: 1,
    stderr: `not discarded: ${id}\n`,
  });
  expect((await dead("restore", "--reason", "unparsable", "--dry-run")).stdout).toBe("2 would be restored\n");
  const rest = await dead("restore", "--reason", "unparsable", "--because", "needed", "--json");
  expect(JSON.parse(rest.stdout)).toEqual({ restored: 2 });
  expect(await statuses([id, other, failed])).toEqual(["unparsable", "unparsable", "discarded"]);
  expect((await dead("show", id)).stdout).toContain("restore by bootstrap: needed");
});

test("dead bulk lists bulk actions, shows one with its failures, and aborts it", async () => {
  const { env, pool, dead, recordUnparsable } = await startDead();
  const [id = "", other = ""] = await recordUnparsable(2);
  const bulk = { action: "discard", filter: { reason: "unparsable" }, reason: "noise" } as const;
  await createBulkAction(pool, { ...bulk, createdBy: "Ada" });
  expect(await dead("redrive", id, other, "--because", "fixed")).toMatchObject({ code: 0 });
  const client = createConsoleClient(new URL(env["CONSOLE_URL"] ?? ""), env["DOSSIER_API_TOKEN"]);
  await client.post("bulk-actions/1/confirm", {});
  await waitFor(async () => (await findBulkAction(pool, 1))?.state === "completed");
  const shown = (await dead("bulk", "1")).stdout;
  expect(shown).toContain("bulk action 1: discard, completed, 2 of 2\nselected: reason=unparsable\n");
  expect(shown).toMatch(/^made .* by Ada: noise\nconfirmed .* by bootstrap\n/m);
  expect(shown).toMatch(new RegExp(`${id}  changed\\n${other}  changed\\n$`));
  expect((await dead("bulk", "1", "--limit", "1")).stdout).toMatch(
    new RegExp(`${id}  changed\\n… and 1 more; --limit lists them\\n$`),
  );
  expect(await dead("bulk", "1", "--abort")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Bulk action 1 is completed already."),
  });
  await createBulkAction(pool, { ...bulk, createdBy: "Ada" });
  expect((await dead("bulk", "2", "--abort")).stdout).toContain("bulk action 2: discard, aborted, 0 of 0");
  const all = (await dead("bulk", "--limit", "2")).stdout;
  expect(all).toMatch(/^ 2 .* discard  aborted    0 of 0  Ada  noise$/m);
  expect(all).not.toContain("there are more");
  expect((await dead("bulk", "--limit", "1")).stdout).toMatch(/noise\nthere are more; --limit lists them\n$/);
});

/** Starts a console of which each bulk action is like this one for ever. */
async function startBusyConsole(
  answerProgress: (answer: () => void, response: ServerResponse) => void,
  bulkAction: object = { bulkActionId: 7, state: "running", total: 5, decided: 2, missed: 0 },
) {
  const server = createServer(({ method }, response) => {
    const answer = () => response.writeHead(200).end(JSON.stringify(bulkAction));
    if (method === "POST") answer();
    else answerProgress(answer, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  return { CONSOLE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const RUNS_ON =
  "bulk action 7 runs on in the console: `dossier dead bulk 7` shows how far it is, --abort stops it";

test("dead discard of what a filter selects says on Ctrl-C that it runs on, and how to abort it", async () => {
  const asked = Promise.withResolvers<void>();
  const env = await startBusyConsole((answer) => {
    asked.resolve();
    answer();
  });
  const { child, ended } = start(runningTest, ["dead", "discard", "--all", "--because", "noise"], env);
  await asked.promise;
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 130, stdout: "", stderr: `${RUNS_ON}\n` });
});

test("dead discard of what a filter selects says that it runs on if the console goes away", async () => {
  const env = await startBusyConsole((_, response) => response.destroy());
  const { code, stderr } = await dossier(["dead", "discard", "--all", "--because", "noise"], env);
  expect(code).toBe(1);
  expect(stderr).toContain(`${RUNS_ON}: The connection to the console`);
});

test("dead discard of what a filter selects says which command lists all that changed meanwhile", async () => {
  const completed = { state: "completed", total: 70, decided: 10, missed: 60, queueMissed: 5 };
  const env = await startBusyConsole((answer) => answer(), { bulkActionId: 7, ...completed });
  const { stderr } = await dossier(["dead", "discard", "--all", "--because", "noise"], env);
  expect(stderr).toContain("60 changed meanwhile: `dossier dead bulk 7 --limit 65` lists them");
});

test.each([
  [["redrive"], "Select dead letters"],
  [["redrive", "--all", "--text", "x", "--because", "r"], "in one way"],
  [["redrive", "--all"], "--because is kept"],
  [["discard", "--all"], "--because is kept"],
])("dead %j is refused before the console is asked", async (args, message) => {
  const refused = await dossier(["dead", ...args], { CONSOLE_URL: "http://127.0.0.1:1" });
  expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(message) });
});

test.each(["redrive", "discard"])("dead %s of a malformed delivery id exits 2", async (action) => {
  const { code, stdout, stderr } = await dossier(["dead", action, crypto.randomUUID(), "0197f3a2"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("'0197f3a2' is invalid for argument 'deliveryId'. It must be a delivery's id");
});
