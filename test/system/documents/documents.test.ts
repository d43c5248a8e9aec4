/** The tutorial and the how-tos, whose commands are run as they stand there, on one trial. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@dossier/embedded";
import { payload } from "@dossier/simulator";
import { openScope, startNode, waitFor, type NodeProcess } from "@dossier/testing";
import { beforeAll, expect, test, type TestContext } from "vitest";
import { commandsIn, openShell, ROOT, type Environment } from "./commands.ts";

/** The part of `trial.json` that is used here. */
interface Trial {
  readonly apiToken: string;
  readonly passwords: { readonly owner: string };
  readonly ports: { readonly postgres: number };
}

let env: Environment;
let ownerUrl: string;
let up: NodeProcess;

beforeAll(async () => {
  const scope = openScope();
  const { folder } = await openShell(scope);
  const [ingest, console] = [await freePort(), await freePort()];
  const trial = {
    DOSSIER_DATA_DIR: join(folder, "trial"),
    INGEST_PORT: String(ingest),
    CONSOLE_PORT: String(console),
  };
  up = startNode(scope, join(ROOT, "packages/cli/src/main.ts"), { args: ["up"], env: trial });
  await waitFor(() => up.printed().includes("Jane Doe  approved"));
  const kept = JSON.parse(await readFile(join(trial.DOSSIER_DATA_DIR, "trial.json"), "utf8")) as Trial;
  ownerUrl = `postgres://postgres:${kept.passwords.owner}@127.0.0.1:${kept.ports.postgres}/postgres`;
  env = {
    ...trial,
    INGEST_URL: `http://127.0.0.1:${ingest}`,
    CONSOLE_URL: `http://127.0.0.1:${console}`,
    DOSSIER_API_TOKEN: kept.apiToken,
  };
  return scope.close;
});

/** Runs all commands of a document, block by block. Returns what each block printed. */
async function follow(
  context: TestContext,
  document: string,
  { cwd, ...more }: { readonly cwd?: string } & Environment = {},
): Promise<readonly string[]> {
  const shell = await openShell(context, cwd === undefined ? {} : { cwd });
  const printed: string[] = [];
  for (const commands of commandsIn(document)) {
    if (/\b(docker|kubectl)\b/.test(commands)) continue;
    printed.push(await shell.run(commands, { ...env, ...more }));
    await waitFor(async () => (await get("/stats")).deliveries.open === 0);
  }
  return printed;
}

// oxlint-disable-next-line typescript/no-explicit-any
async function get(path: string): Promise<any> {
  const { CONSOLE_URL = "", DOSSIER_API_TOKEN = "" } = env;
  const headers = { authorization: `Bearer ${DOSSIER_API_TOKEN}` };
  return (await fetch(`${CONSOLE_URL}/api/v1${path}`, { headers })).json();
}

test("docs/how-to/connect-icomply.md", async (context) => {
  const [status, sent] = await follow(context, "docs/how-to/connect-icomply.md");
  expect(status).toBe("204\n");
  expect(sent).toMatch(/accepted.*Healthy/s);
});

test("docs/how-to/capture-webhooks.md", async (context) => {
  const PORT = String(await freePort());
  const { items } = await get("/deliveries?limit=1&entityId=702a96b1-e145-45fc-99c1-69c2199aa30d");
  const DELIVERY = items[0].deliveryId as string;
  const body = JSON.stringify(payload({ event: "NaturalPersonPending" }));
  const following = follow(context, "docs/how-to/capture-webhooks.md", { DELIVERY, PORT });
  const sending = waitFor(() =>
    fetch(`http://127.0.0.1:${PORT}/webhooks/icomply`, {
      method: "POST",
      headers: { "abp-webhook-signature": "sha256=0" },
      body,
    }),
  );
  const [[kept, printed], { status }] = await Promise.all([following, sending]);
  expect(kept).toContain("verified by signature");
  // iComply never sends again what is answered 200.
  expect(status).toBe(503);
  expect(printed).toContain("abp-webhook-signature");
  expect(printed).toContain(body);
});

test("docs/tutorial.md", async (context) => {
  const [first, approved, dead, discarded, verified] = await follow(context, "docs/tutorial.md", {
    cwd: ROOT,
  });
  expect(first).toMatch(/accepted.*ada-1/s);
  expect(approved).toMatch(/status approved/);
  expect(await get("/natural-persons/ada-1")).toMatchObject({ status: "approved", version: 3 });
  expect(dead).toContain("unparsable");
  expect(discarded).toContain("discarded");
  expect(verified?.match(/everything is as it was written/g)).toHaveLength(2);
  const { entries } = await get("/natural-persons/ada-1/timeline");
  expect(entries).toMatchObject([{ id: "1001" }, { id: "1002", outOfOrder: true }, { id: "1003" }]);
  expect(entries[2].deliveries).toHaveLength(2);
});

test("docs/how-to/redrive-dead-letters.md", async (context) => {
  const shell = await openShell(context);
  const sent = await shell.run(`echo '{ "event": "X" }' | dossier send --json -`, env);
  const DELIVERY = /"deliveryId":"([^"]+)"/.exec(sent)?.[1] ?? "";
  await waitFor(async () => (await get("/stats")).deliveries.deadLettered === 1);
  const [looked, redriven, restored] = await follow(context, "docs/how-to/redrive-dead-letters.md", {
    DELIVERY,
  });
  expect(looked).toContain("invalid-event");
  expect(redriven).toMatch(/nothing changed.*1 redriven/s);
  expect(restored).toContain("a test of theirs");
});

test("docs/how-to/subscribe-to-changes.md", async (context) => {
  const [token, page, stream] = await follow(context, "docs/how-to/subscribe-to-changes.md", {
    POSITION: "",
  });
  expect(token).toMatch(/dossier_[\w-]{43}/);
  expect((JSON.parse(page ?? "") as { items: unknown[] }).items).toHaveLength(2);
  expect(stream).toMatch(/^event: change$/m);
});

test("docs/how-to/verify-evidence.md and docs/api.md", async (context) => {
  const reader = new URL(/DATABASE_URL=(\S+)/.exec(up.printed())?.[1] ?? "");
  const READER_PASSWORD = "password of the auditor";
  [reader.username, reader.password] = ["auditor", READER_PASSWORD];
  const more = {
    PERSON: "702a96b1-e145-45fc-99c1-69c2199aa30d",
    MIGRATION_DATABASE_URL: ownerUrl,
    READER_PASSWORD,
    DATABASE_URL: reader.href,
  };
  const [, record, file, ends] = await follow(context, "docs/how-to/verify-evidence.md", more);
  for (const printed of [record, file]) expect(printed).toContain("everything is as it was written");
  expect(ends).toMatch(/feed +\| +\d+ \| [0-9a-f]{64}/);
  const [persons = ""] = await follow(context, "docs/api.md");
  expect((JSON.parse(persons) as { items: unknown[] }).items).toHaveLength(2);
});

test("docs/how-to/upgrade.md", async (context) => {
  const [migrated, rebuilt] = await follow(context, "docs/how-to/upgrade.md");
  expect(migrated).toContain("no migration was missing");
  expect(rebuilt).toMatch(/persons/);
});
