/** A record is lost with its server and its Redis, and comes back by the runbook's commands, which are run as they stand there. */
import { openScope, type Scope } from "@dossier/testing";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { commandsIn, openShell, type Environment, type Shell } from "../documents/commands.ts";
import { simulate, startInstallation, urlsOn, type Installation } from "./installation.ts";
import { PROGRAMS, startDebianPostgres } from "./postgres.ts";

const MISSING =
  PROGRAMS === undefined
    ? "there is no Postgres of Debian's (package postgresql), which has pg_dump"
    : undefined;

let shell: Shell;
/** The positions of two readers of the feed: the backups have one, the other is lost. */
const positions = { kept: "", lost: "" };

const PERSONS = 40;
const LOST_PERSONS = 5;
const sendFirst = (to: Installation) => simulate(shell, to, PERSONS - 10, 1);
/** They are open when the backups are made. */
const sendOpen = (to: Installation) => simulate(shell, to, 10, 2);
/** Only the server that is lost has them. */
const sendLost = (to: Installation) => simulate(shell, to, LOST_PERSONS, 3);

beforeAll(async () => {
  if (MISSING !== undefined) return undefined;
  const scope = openScope();
  shell = await openShell(scope, { programs: PROGRAMS });
  const postgres = await startDebianPostgres();
  scope.onTestFinished(() => postgres.stop());
  const urls = urlsOn(postgres.url);
  await shell.run(`psql --dbname="$SERVER_URL" --command="create database dossier"`, urls);
  await shell.run("dossier migrate", urls);
  const installation = await startInstallation(scope, urls);

  await sendFirst(installation);
  await installation.settled();
  positions.kept = await readFeed(installation);
  installation.worker.child.kill("SIGTERM");
  await installation.worker.ended;
  await sendOpen(installation);
  for (const heading of ["Make a dump", "Make a base backup"])
    for (const commands of commandsIn("docs/runbook.md", heading)) await shell.run(commands, urls);
  installation.start("worker");
  await sendLost(installation);
  await installation.settled();
  positions.lost = await readFeed(installation);
  await installation.kill();
  await postgres.kill();
  return () => scope.close();
});

beforeEach((context) => {
  if (MISSING === undefined) return;
  if (process.env["CI"] === "true") throw new Error(MISSING);
  context.skip(MISSING);
});

async function readFeed({ get }: Installation): Promise<string> {
  for (let after = ""; ;) {
    const { json } = await get(`/changes?limit=500&after=${after}`);
    if (json.next === after) return after;
    after = json.next as string;
  }
}

test("a dump is restored to a new server: nothing of it is lost, and what was open is settled", async (context) => {
  const postgres = await startDebianPostgres();
  context.onTestFinished(() => postgres.stop());
  const urls = urlsOn(postgres.url);
  for (const commands of commandsIn("docs/runbook.md", "Restore a dump")) await shell.run(commands, urls);
  expect(await startAgain(context, urls)).toEqual(AS_BEFORE);
});

test("a base backup is restored to a new server in the same way", async (context) => {
  const postgres = await startDebianPostgres(`${shell.folder}/record.base`);
  context.onTestFinished(() => postgres.stop());
  expect(await startAgain(context, urlsOn(postgres.url))).toEqual(AS_BEFORE);
});

const VERIFIED = "everything is as it was written";

const AS_BEFORE = {
  verifiedBefore: VERIFIED,
  someWereOpen: true,
  persons: { count: PERSONS, isMore: false },
  verifiedAfter: VERIFIED,
  lost: "position-unknown",
  kept: 1,
  // What iComply sends once more counts once.
  personsAtLast: { count: PERSONS + LOST_PERSONS, isMore: false },
  deadLettered: 0,
};

/** Follows the runbook from the restored server on. Returns what came of it. */
async function startAgain(scope: Scope, urls: Environment): Promise<typeof AS_BEFORE> {
  const [migrateAndVerify = "", readOn = ""] = commandsIn("docs/runbook.md", "Start again");
  const lastLine = async () => (await shell.run(migrateAndVerify, urls)).trimEnd().split("\n").at(-1) ?? "";
  const verifiedBefore = await lastLine();
  const countOpen = `psql -At --dbname="$MIGRATION_DATABASE_URL" --command="select count(*) from open_deliveries"`;
  const someWereOpen = Number(await shell.run(countOpen, urls)) > 0;
  const installation = await startInstallation(scope, urls);
  const { env, get, settled } = installation;
  const countPersons = async () =>
    (await get("/natural-persons?limit=1&count=true")).json.found as (typeof AS_BEFORE)["persons"];
  const readBeyond = async (POSITION: string) =>
    JSON.parse(await shell.run(readOn, { ...env, POSITION })) as { code: string; items: unknown[] };
  await settled();
  const [persons, verifiedAfter] = [await countPersons(), await lastLine()];
  const { code: lost } = await readBeyond(positions.lost);
  const { items: kept } = await readBeyond(positions.kept);
  await sendOpen(installation);
  await sendLost(installation);
  await settled();
  return {
    verifiedBefore,
    someWereOpen,
    persons,
    verifiedAfter,
    lost,
    kept: kept.length,
    personsAtLast: await countPersons(),
    deadLettered: (await get("/stats")).json.deliveries.deadLettered as number,
  };
}
