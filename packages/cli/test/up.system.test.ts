import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { lstat, mkdir, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@dossier/embedded";
import type { Person } from "@dossier/events";
import { freshRedis, openScope, waitFor, type NodeProcess } from "@dossier/testing";
import { afterEach, beforeEach, expect, test, type TestContext } from "vitest";
import { findTrial } from "../src/trial.ts";
import { runDossier, start, type Environment } from "./command.ts";

/** The last that it prints: the names of columns, over the persons. */
const READY = "person ";

let env: Environment & { DOSSIER_DATA_DIR: string; CONSOLE_PORT: string };
let processes: ReturnType<typeof openScope>;

/** A running `dossier up`. */
interface Up extends NodeProcess {
  /** Resolves once it has printed where to look; rejects if it exits before. */
  readonly ready: Promise<unknown>;
  /** Resolves to its exit code, or the signal that killed it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
}

beforeEach(async () => {
  processes = openScope();
  env = {
    DOSSIER_DATA_DIR: join(tmpdir(), `dossier-up-it's "$HOME" \`id\` -${randomUUID()}`),
    INGEST_PORT: String(await freePort()),
    CONSOLE_PORT: String(await freePort()),
  };
});

afterEach(async () => {
  await processes.close();
  await waitFor(findProcesses, (pids) => pids.length === 0);
  await rm(env.DOSSIER_DATA_DIR, { recursive: true, force: true });
});

function up(more: Environment = {}): Up {
  const started = start(processes, ["up"], { ...env, ...more });
  let end: number | NodeJS.Signals | null | undefined;
  const exited = started.ended.then(({ code, signal }) => (end = code ?? signal));
  const isReady = () => started.printed().includes(READY);
  const ready = waitFor(() => isReady() || end !== undefined).then(() => {
    if (!isReady()) throw new Error(`up exited (${end}): ${started.printed()}`);
  });
  ready.catch(() => undefined);
  return { ...started, ready, exited };
}

/** Returns the ids of the processes that use the data folder, by their environment, arguments or working folder. */
async function findProcesses(): Promise<string[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const owned = pids.map(async (pid) => {
    const texts = await Promise.all([
      readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""),
      readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
      readlink(`/proc/${pid}/cwd`).catch(() => ""),
    ]);
    return texts.some((text) => text.includes(env.DOSSIER_DATA_DIR)) ? [pid] : [];
  });
  return (await Promise.all(owned)).flat();
}

async function fetchPersons(): Promise<Person[]> {
  const trial = await findTrial(env.DOSSIER_DATA_DIR);
  const response = await fetch(`http://127.0.0.1:${env.CONSOLE_PORT}/api/v1/natural-persons`, {
    headers: { authorization: `Bearer ${trial?.apiToken}` },
  });
  return ((await response.json()) as { items: Person[] }).items;
}

const SAMPLE_STATUSES = {
  "123340-830e-44bc-9a2d-6df7e20b307a": "documents-uploaded",
  "12345a38-ee24-4686-8b4d-9251019f0009": "id-uploaded",
  "17f86a38-ee24-4686-8b4d-9251019f0009": "id-upload-started",
  "702a96b1-e145-45fc-99c1-69c2199aa30d": "approved",
};

async function fetchStatuses() {
  return Object.fromEntries((await fetchPersons()).map(({ entityId, status }) => [entityId, status]));
}

test("up sends the samples and prints the persons; after Ctrl-C the next one finds the same data", async () => {
  const first = up();
  await first.ready;
  for (const [entityId, status] of Object.entries(SAMPLE_STATUSES)) {
    expect(first.printed()).toMatch(new RegExp(`${entityId} .* ${status} `));
  }
  expect(await fetchStatuses()).toEqual(SAMPLE_STATUSES);
  // Also under root: Postgres' user reaches its folder there.
  expect((await lstat(join(env.DOSSIER_DATA_DIR, "postgres"))).isDirectory()).toBe(true);
  const before = await fetchPersons();
  const trial = await findTrial(env.DOSSIER_DATA_DIR);
  expect(first.printed()).toContain(trial?.apiToken);
  first.child.kill("SIGINT");
  expect(await first.exited).toBe(0);
  await waitFor(findProcesses, (pids) => pids.length === 0);

  const second = up();
  await second.ready;
  expect(second.printed()).toContain("The persons in this data folder");
  expect(await findTrial(env.DOSSIER_DATA_DIR)).toEqual(trial);
  expect(await fetchPersons()).toEqual(before);
  // As two parents forward the same shutdown, each with its own signal.
  second.child.kill("SIGTERM");
  second.child.kill("SIGINT");
  expect(await second.exited).toBe(0);
});

test("another terminal's commands find the trial by its folder alone, and other machines find nothing", async () => {
  const one = up();
  await one.ready;
  const { DOSSIER_DATA_DIR } = env;
  for (const args of [["dead", "list"], ["verify"], ["token", "list"]])
    expect(await runDossier(args, { DOSSIER_DATA_DIR })).toMatchObject({ code: 0, stderr: "" });
  expect(one.printed()).toContain(
    `DOSSIER_DATA_DIR='${DOSSIER_DATA_DIR.replace("'", `'\\''`)}' npm run dossier`,
  );
  const addresses = Object.values(networkInterfaces()).flatMap((interfaces) => interfaces ?? []);
  const trial = await findTrial(DOSSIER_DATA_DIR);
  for (const { address } of addresses.filter(({ internal, family }) => !internal && family === "IPv4"))
    for (const port of Object.values(trial?.ports ?? {}))
      await expect(fetch(`http://${address}:${port}/healthz`)).rejects.toThrow("fetch failed");
});

test("up names a data folder that it cannot write to, and what to do", async () => {
  await mkdir(env.DOSSIER_DATA_DIR);
  const file = join(env.DOSSIER_DATA_DIR, "file");
  await writeFile(file, "");
  const { code, stderr } = await runDossier(["up"], { ...env, DOSSIER_DATA_DIR: join(file, "data") });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Cannot write to .*data \(ENOTDIR.*\): set DOSSIER_DATA_DIR to a folder/m);
});

test("up runs the queue on Redis if REDIS_URL is set", async (context: TestContext) => {
  const one = up({ REDIS_URL: await freshRedis(context) });
  await one.ready;
  expect(one.printed()).toContain("the queue: Redis at");
  expect(await fetchStatuses()).toEqual(SAMPLE_STATUSES);
  one.child.kill("SIGINT");
  expect(await one.exited).toBe(0);
});

test("up leaves no process behind when it is killed, and the next one recovers the data", async () => {
  const first = up();
  await first.ready;
  first.child.kill("SIGKILL");
  await first.exited;
  const second = up();
  await second.ready;
  expect(await fetchStatuses()).toEqual(SAMPLE_STATUSES);
  second.child.kill("SIGKILL");
  await second.exited;
  await waitFor(findProcesses, (pids) => pids.length === 0);
});

test("a second up on the same data folder is refused, and the first goes on", async () => {
  const first = up();
  await first.ready;
  const second = await runDossier(["up"], env);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`Another \`dossier up\` runs on ${env.DOSSIER_DATA_DIR}`);
  expect(await fetchStatuses()).toEqual(SAMPLE_STATUSES);
});

test("up names the ports in use before it starts anything", async () => {
  const taken = createServer().listen(0);
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const ports = { INGEST_PORT: String(port), CONSOLE_PORT: String(port) };
  const { code, stderr } = await runDossier(["up"], { ...env, ...ports });
  taken.close();
  expect(code).toBe(1);
  expect(stderr).toContain(`INGEST_PORT ${port} is in use: set INGEST_PORT to another port.`);
  expect(stderr).toContain(`CONSOLE_PORT ${port} is in use`);
  expect(await readdir(env.DOSSIER_DATA_DIR)).not.toContain("postgres");
});

test("up does not print secrets that are configured", async () => {
  const secrets = {
    ICOMPLY_WEBHOOK_SECRETS: "whs_given_by_hand,whs_older_by_hand",
    DOSSIER_API_TOKEN: "token_given",
  };
  const one = up(secrets);
  await one.ready;
  expect(one.printed()).not.toMatch(/whs_given|whs_older|token_given|FOR TRIALS ONLY/);
});
