import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@dossier/embedded";
import type { Person } from "@dossier/events";
import { freshRedis } from "@dossier/testing";
import { afterEach, beforeEach, expect, test, vi, type TestContext } from "vitest";
import { findTrial } from "../src/trial.ts";
import { dossier, start, type Environment } from "./command.ts";

const READY = "Stop ";
const WITHIN = { timeout: 30_000, interval: 100 };

let env: Environment & { DOSSIER_DATA_DIR: string; CONSOLE_PORT: string };
let running: Up[] = [];

interface Up {
  readonly child: ChildProcess;
  /** All that it printed so far. */
  printed(): string;
  /** Resolves once it has printed where to look; rejects where it ends before that. */
  readonly ready: Promise<void>;
  readonly ended: Promise<number | NodeJS.Signals>;
}

beforeEach(async () => {
  env = {
    DOSSIER_DATA_DIR: await mkdtemp(join(tmpdir(), "dossier-up-")),
    INGEST_PORT: String(await freePort()),
    CONSOLE_PORT: String(await freePort()),
  };
});

afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill("SIGKILL");
    await ended;
  }
  running = [];
  await vi.waitUntil(async () => (await processesOf()).length === 0, WITHIN);
  await rm(env.DOSSIER_DATA_DIR, { recursive: true });
});

function up(more: Environment = {}): Up {
  const child = start(["up"], { ...env, ...more });
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      if (printed.includes(READY)) resolve();
    });
  }
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  void ended.then((how) => reject(new Error(`up ended (${how}): ${printed}`)));
  ready.catch(() => undefined);
  const started = { child, printed: () => printed, ready, ended };
  running.push(started);
  return started;
}

/** The processes that belong to the data folder: by their environment, or because they work in it. */
async function processesOf(): Promise<string[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const owned = pids.map(async (pid) => {
    const about = await Promise.all([
      readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""),
      readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
      readlink(`/proc/${pid}/cwd`).catch(() => ""),
    ]);
    return about.some((text) => text.includes(env.DOSSIER_DATA_DIR)) ? [pid] : [];
  });
  return (await Promise.all(owned)).flat();
}

async function persons(): Promise<Person[]> {
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

async function statuses() {
  return Object.fromEntries((await persons()).map(({ entityId, status }) => [entityId, status]));
}

test("up sends the samples and shows the persons; Ctrl-C ends it with 0 and leaves no process; the next finds the data", async () => {
  const first = up();
  await first.ready;
  for (const [entityId, status] of Object.entries(SAMPLE_STATUSES)) {
    expect(first.printed()).toMatch(new RegExp(`${entityId} .* ${status} `));
  }
  expect(await statuses()).toEqual(SAMPLE_STATUSES);
  const before = await persons();
  const trial = await findTrial(env.DOSSIER_DATA_DIR);
  expect(first.printed()).toContain(trial?.apiToken);
  first.child.kill("SIGINT");
  expect(await first.ended).toBe(0);
  await expect.poll(processesOf).toEqual([]);

  const second = up();
  await second.ready;
  expect(second.printed()).toContain("The files found here");
  expect(await findTrial(env.DOSSIER_DATA_DIR)).toEqual(trial);
  expect(await persons()).toEqual(before);
  // As from a supervisor, passed on by one parent as this and by another as that.
  second.child.kill("SIGTERM");
  second.child.kill("SIGINT");
  expect(await second.ended).toBe(0);
});

test("up runs the queue on Redis where REDIS_URL is set", async (context: TestContext) => {
  const one = up({ REDIS_URL: await freshRedis(context) });
  await one.ready;
  expect(one.printed()).toContain("the queue: Redis at");
  expect(await statuses()).toEqual(SAMPLE_STATUSES);
  one.child.kill("SIGINT");
  expect(await one.ended).toBe(0);
});

test("up that is killed leaves no process behind, and the next one recovers what was received", async () => {
  const first = up();
  await first.ready;
  first.child.kill("SIGKILL");
  await first.ended;
  const second = up();
  await second.ready;
  expect(await statuses()).toEqual(SAMPLE_STATUSES);
  second.child.kill("SIGKILL");
  await second.ended;
  await expect.poll(processesOf).toEqual([]);
});

test("a second up on the same data folder says so, and disturbs nothing", async () => {
  const first = up();
  await first.ready;
  const second = await dossier(["up"], env);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`Another \`dossier up\` runs on ${env.DOSSIER_DATA_DIR}`);
  expect(await statuses()).toEqual(SAMPLE_STATUSES);
});

test("ports in use are named before anything is started", async () => {
  const taken = createServer().listen(0);
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const ports = { INGEST_PORT: String(port), CONSOLE_PORT: String(port) };
  const { code, stderr } = await dossier(["up"], { ...env, ...ports });
  taken.close();
  expect(code).toBe(1);
  expect(stderr).toContain(`INGEST_PORT ${port} is in use: set INGEST_PORT to another port.`);
  expect(stderr).toContain(`CONSOLE_PORT ${port} is in use`);
  expect(await readdir(env.DOSSIER_DATA_DIR)).not.toContain("postgres");
});

test("secrets that were given are not printed", async () => {
  const given = { ICOMPLY_WEBHOOK_SECRETS: "whs_given,whs_older", DOSSIER_API_TOKEN: "token_given" };
  const one = up(given);
  await one.ready;
  expect(one.printed()).not.toMatch(/whs_given|whs_older|token_given|FOR TRIAL ONLY/);
});
