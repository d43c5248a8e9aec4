/** A rolling upgrade: the code that the fixture of a database was made with, and this one, on one database and one queue. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openPool } from "@dossier/store";
import { startPostgres, waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { openShell, ROOT } from "../documents/commands.ts";
import { startInstallation, urlsOn } from "../recovery/installation.ts";

const FIXTURES = join(ROOT, "packages/store/test/fixtures");
/** Not one of those whose persons the fixture has. */
const FIRST_SEED = 100;
const SIMULATE = "dossier simulate --persons 15 --duplicates 0.3 --shuffle 0.3";

test("an older version and this one settle side by side while the schema is migrated", async (context) => {
  const commit = (await readFile(join(FIXTURES, "commit"), "utf8")).trim();
  const setUp = await openShell(context);
  const code = join(setUp.folder, "code");
  const fetched = await setUp
    .run(`mkdir '${code}' && git -C '${ROOT}' archive ${commit} | tar -x -C '${code}'`, {})
    .then(() => true)
    .catch(() => false);
  if (!fetched) {
    const missing = `this clone does not have the commit ${commit}, whose code the upgrade begins from`;
    const shallow = (await setUp.run(`git -C '${ROOT}' rev-parse --is-shallow-repository`, {})).trim();
    if (process.env["CI"] === "true" && shallow === "false") throw new Error(missing);
    context.skip(missing);
  }
  await setUp.run(
    `cd '${code}' && pnpm install --prefer-offline --frozen-lockfile --prod --filter "@dossier/cli..."`,
    { HOME: process.env["HOME"] ?? "" },
  );

  const postgres = await startPostgres();
  context.onTestFinished(() => postgres.stop());
  const urls = urlsOn(postgres.url, "fixture");
  await fillDatabase(postgres.url, urls["MIGRATION_DATABASE_URL"] ?? "");
  const older = await openShell(context, { code });
  await older.run("dossier migrate", urls);
  const installation = await startInstallation(context, urls, code);
  const { env, settled, worker, start } = installation;

  let seed = FIRST_SEED;
  let bothSettle = false;
  async function sendUntilBothSettle(): Promise<void> {
    while (!bothSettle) await older.run(`${SIMULATE} --seed ${seed++} --rate 25`, env);
  }
  const sent = sendUntilBothSettle();
  await setUp.run("dossier migrate", urls);
  start("worker", ROOT);
  const owner = openPool(urls["MIGRATION_DATABASE_URL"] ?? "", { name: "test", size: 1 });
  context.onTestFinished(() => owner.end());
  const settledByBoth = waitFor(
    async () => (await owner.query<{ settling: number }>(COUNT_SETTLING)).rows[0]?.settling,
    (settling) => settling === 2,
  ).finally(() => (bothSettle = true));
  // It ends too if a webhook is refused.
  await Promise.race([settledByBoth, sent]);
  worker.child.kill("SIGTERM");
  expect(await worker.ended).toMatchObject({ code: 0 });
  await sent;
  await settled();

  const ingest = start("ingest", ROOT);
  const INGEST_PORT = String((await ingest.logged("listening")).port);
  for (let sentSeed = FIRST_SEED; sentSeed < seed; sentSeed++)
    expect(await setUp.run(`${SIMULATE} --seed ${sentSeed} --check`, { ...env, INGEST_PORT })).toContain(
      "15 persons",
    );
  const DATABASE_URL = urls["MIGRATION_DATABASE_URL"] ?? "";
  expect(await setUp.run("dossier verify", { DATABASE_URL })).toContain("everything is as it was written");
});

/** Workers that have settled something. */
const COUNT_SETTLING = `select count(distinct instance_id)::int as settling from instance_minutes
  where service = 'worker' and counts::text like '%outcome/applied%'`;

async function fillDatabase(server: string, url: string): Promise<void> {
  const dumped = await readFile(join(FIXTURES, "database.sql"), "utf8");
  const roles = ["ingest", "worker", "console", "reader"].map((name) => `create role fixture_${name}_role`);
  for (const [to, statements] of [
    [server, ["create database fixture", ...roles]],
    [url, [dumped]],
  ] as const) {
    const pool = openPool(to, { name: "test", size: 1, timeoutMs: 60_000 });
    for (const statement of statements) await pool.query(statement);
    await pool.end();
  }
}
