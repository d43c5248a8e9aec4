import { hash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scenario } from "@dossier/simulator";
import { listAudit } from "@dossier/store";
import { createLogin, eventBody, openRecord } from "@dossier/store/fixtures";
import { expect, test, type TestContext } from "vitest";
import { dossier, runDossier, start } from "./command.ts";

/** Records the deliveries of some persons, and returns the command on that database. */
async function record(context: TestContext) {
  const { pool, url, record: recordOpen, recordAndSettle, rows } = await openRecord(context, { size: 2 });
  const { webhooks } = scenario({ persons: 20, seed: 5, duplicates: 0.2, shuffle: 0.3 });
  await recordAndSettle(...[...webhooks].map(({ body }) => body));
  const [person] = await rows<{ entity_id: string }>("select entity_id from natural_persons limit 1");
  const folder = await mkdtempDisposable(join(tmpdir(), "dossier-evidence-"));
  context.onTestFinished(() => folder.remove());
  return {
    pool,
    url,
    recordOpen,
    entityId: person!.entity_id,
    file: join(folder.path, "evidence.ndjson"),
    run: (...args: readonly string[]) => dossier(args, { DATABASE_URL: url }),
    /** As `run`, for a reader that stops at once. */
    async runUnread(...args: readonly string[]) {
      const { child, ended } = start(context, args, { DATABASE_URL: url });
      child.stdout?.destroy();
      const { code, stderr } = await ended;
      return { code, stderr };
    },
  };
}

test("verify passes untouched evidence, and names a row that was changed behind the triggers", async (context) => {
  const { pool, run, entityId, recordOpen } = await record(context);
  expect(await run("verify")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("checked 20 persons"),
  });
  await recordOpen(eventBody(entityId));
  await pool.query("alter table events disable trigger append_only");
  await pool.query("update events set ticks = ticks + 1 where entity_id = $1 and seq = 1", [entityId]);
  const found = await run("verify", "--person", entityId);
  expect(found).toMatchObject({ code: 1, stderr: "The evidence is NOT as it was written.\n" });
  expect(found.stdout).toContain(`hash: table events, entityId ${entityId}, seq 1`);
  expect(found.stdout).toContain("1 of these deliveries are open, and not in the log yet\n");
  const { findings, openDeliveries } = JSON.parse(
    (await run("verify", "--person", entityId, "--json")).stdout,
  );
  expect(findings[0]).toMatchObject({ check: "hash", rows: 1 });
  expect(openDeliveries).toEqual({ found: 1, searched: 1, all: true });
});

test("an exported file verifies without a database, and fails once a byte is changed", async (context) => {
  const { run, entityId, file } = await record(context);
  expect(await run("export", entityId, "--output", file)).toMatchObject({ code: 0, stderr: "" });
  const verified = await dossier(["verify", file]);
  expect(verified).toMatchObject({ code: 0, stderr: "" });
  expect(verified.stdout).toMatch(/^chained: .*[0-9a-f]{64}.*\nonly digested, .*settlements/m);
  const bytes = await readFile(file, "utf8");
  expect(await runDossier(["verify", "-"], {}, bytes)).toMatchObject({ code: 0 });
  await writeFile(file, bytes.replace(/"deliveryDigest":"./, '"deliveryDigest":"x'));
  expect(await dossier(["verify", file])).toMatchObject({ code: 1 });
});

test("verify exits 3 for a person folded by another version, whose state it cannot check", async (context) => {
  const { run, entityId } = await record(context);
  const lines = (await run("export", entityId)).stdout.trimEnd().split("\n");
  const forged = lines
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .map((line) => {
      if (line["line"] === "header") return { ...line, codeVersion: "0.0.0" };
      return line["line"] === "person" ? { ...line, state: { status: "approved" } } : line;
    })
    .map((line) => `${JSON.stringify(line)}\n`);
  const end = { line: "end", lines: forged.length, sha256: hash("sha256", forged.join("")) };
  const verified = await runDossier(["verify", "-"], {}, `${forged.join("")}${JSON.stringify(end)}\n`);
  expect(verified).toMatchObject({ code: 3, stderr: "" });
  expect(verified.stdout).toContain('note: the person was folded by version "0.0.0"');
  expect(verified.stdout).toContain("the person's state was NOT checked");
  expect(verified.stdout).not.toContain("everything is as it was written");
});

test.each(["", "{}\n", "neither evidence\nnor JSON\n"])("verify rejects %j as no evidence", async (input) => {
  expect(await runDossier(["verify", "-"], {}, input)).toEqual({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^stdin is no evidence: .*dossier export/),
  });
});

test("export overwrites no file, and fails for an unknown person", async (context) => {
  const { run, entityId, file } = await record(context);
  await writeFile(file, "mine");
  expect(await run("export", entityId, "--output", file)).toMatchObject({ code: 1 });
  expect(await readFile(file, "utf8")).toBe("mine");
  expect(await run("export", "nobody")).toMatchObject({ code: 1, stdout: "" });
});

test("an export is in the audit log with the login, and fails without a right to write there", async (context) => {
  const { pool, url, run, entityId } = await record(context);
  const reader = await createLogin(url, "reader");
  expect(await dossier(["export", entityId], { DATABASE_URL: reader })).toMatchObject({ code: 0 });
  const detail = { command: "export", what: "evidence" };
  const entry = { who: new URL(reader).username, action: "exported", subject: entityId, detail };
  expect(await listAudit(pool, {}, { limit: 9 })).toMatchObject({ items: [entry] });

  await pool.query("alter table audit_log add constraint full_disk check (false) not valid");
  expect(await run("export", entityId)).toMatchObject({ code: 1, stdout: "" });
});

test("a rebuild, and values that one shows, are in the audit log with the login", async (context) => {
  const { pool, run, url } = await record(context);
  await pool.query("delete from natural_persons");
  expect(await run("rebuild", "--dry-run", "--show-values")).toMatchObject({ code: 3 });
  expect(await run("rebuild", "--dry-run")).toMatchObject({ code: 3 });
  expect(await run("rebuild")).toMatchObject({ code: 0 });
  const who = new URL(url).username;
  const { items } = await listAudit(pool, {}, { limit: 9 });
  expect(items).toMatchObject([
    { who, action: "rebuilt", detail: { command: "rebuild", added: 20, changed: 0, removed: 0 } },
    { who, action: "revealed", subject: null, detail: { command: "rebuild --show-values" } },
  ]);
});

test("rebuild repairs a state that does not follow from the log; --dry-run only lists it", async (context) => {
  const { pool, run, entityId } = await record(context);
  const before = await pool.query("select * from natural_persons order by entity_id");
  await pool.query(
    `update natural_persons set state = (state::jsonb || '{"name": "Mallory"}')::json where entity_id = $1`,
    [entityId],
  );
  expect(await run("verify")).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`projection: table natural_persons, entityId ${entityId}`),
  });
  const result = await run("rebuild", "--dry-run");
  expect(result.code).toBe(3);
  expect(result.stdout).toContain(`changed ${entityId}\n  state.name\n`);
  expect(result.stdout).not.toContain("Mallory");
  expect((await run("rebuild", "--dry-run", "--show-values")).stdout).toContain('"Mallory" → ');
  expect(await run("rebuild", "--json")).toMatchObject({ code: 0, stderr: "" });
  const after = await pool.query("select * from natural_persons order by entity_id");
  expect(after.rows).toEqual(before.rows);
  expect(await run("rebuild", "--dry-run")).toMatchObject({ code: 0 });
});

test("verify exits 3 if a rebuild is needed, which is no forgery", async (context) => {
  const { pool, run } = await record(context);
  await pool.query("update natural_persons set fold_version = fold_version - 1");
  const verified = await run("verify");
  expect(verified).toMatchObject({ code: 3, stderr: "" });
  expect(verified.stdout).toContain("rebuild-needed: table natural_persons");
  expect(verified.stdout).not.toContain("everything is as it was written");
});

test("rebuild replaces the projection even if its reader stops early, as head does", async (context) => {
  const { pool, runUnread } = await record(context);
  const before = await pool.query("select * from natural_persons order by entity_id");
  await pool.query("delete from natural_persons");
  expect(await runUnread("rebuild", "--json")).toEqual({ code: 0, stderr: "" });
  const after = await pool.query("select * from natural_persons order by entity_id");
  expect(after.rows).toEqual(before.rows);
});

test("export and verify keep their exit codes if their reader stops early", async (context) => {
  const { pool, runUnread, entityId } = await record(context);
  expect(await runUnread("export", entityId)).toEqual({ code: 0, stderr: "" });
  expect(await runUnread("verify")).toEqual({ code: 0, stderr: "" });
  await pool.query("alter table events disable trigger append_only");
  await pool.query("update events set ticks = ticks + 1");
  expect(await runUnread("verify")).toMatchObject({ code: 1 });
});
