import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@dossier/embedded";
import { waitFor } from "@dossier/testing";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { CANARY, CANARY_ENTITY_ID, canaries } from "./canary.ts";
import { Stack, type Container, type Settings } from "./stack.ts";

const TRIAL = { secret: "trial-only-webhook-secret", token: "trial-only" };
const WORKERS = 4;

const ports = { INGEST_PORT: String(await freePort()), CONSOLE_PORT: String(await freePort()) };
const hex = () => randomBytes(16).toString("hex");
const secrets = { webhook: `whs_${hex()}`, apiToken: hex() };
const login = (name: string) => `postgres://${name}:${hex()}@postgres:5432/dossier`;
const configured: Settings = {
  ...ports,
  ICOMPLY_WEBHOOK_SECRETS: `whs_${hex()},${secrets.webhook}`,
  DOSSIER_API_TOKEN: secrets.apiToken,
  INGEST_DATABASE_URL: login("ingest_2"),
  WORKER_DATABASE_URL: login("worker_2"),
  CONSOLE_DATABASE_URL: login("console_2"),
  // Also what is logged at the lowest level must be free of personal data.
  LOG_LEVEL: "trace",
};

const stack = new Stack(`dossier-test-${hex().slice(0, 8)}`, ports);

// Each test continues where the one before it ended.
let failed = false;
beforeEach(() => {
  // Not skipped: a second try of the test that failed would pass for skipped.
  if (failed) throw new Error("a test before it failed");
});
afterEach(async ({ task }) => {
  if (task.result?.state !== "fail" || failed) return;
  failed = true;
  const lines = (await stack.logs()).split("\n");
  const unusual = lines.filter((line) => !/"level":"(trace|debug|info)"/.test(line)).slice(-200);
  process.stderr.write(`${unusual.join("\n")}\n${await lookAtPostgres()}\n`);
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Returns what runs and waits in Postgres, and what is open, as psql shows it. */
async function lookAtPostgres(): Promise<string> {
  const [postgres] = await stack.containers("postgres");
  if (postgres === undefined) return "Postgres does not run";
  const queries = [
    "select pid, client_addr, state, wait_event, xact_start, pg_blocking_pids(pid), left(query, 80) from pg_stat_activity where xact_start is not null",
    "select delivery_id, opened_at, due_at, sweeps from open_deliveries order by 1 limit 20",
  ];
  const options = ["--host=127.0.0.1", "--username=postgres", "--dbname=dossier", "--expanded"];
  const psql = 'PGPASSWORD="$POSTGRES_PASSWORD" exec psql "$@"';
  const commands = queries.flatMap((query) => ["--command", query]);
  return stack.exec(postgres, "sh", "-c", psql, "psql", ...options, ...commands);
}

test("it starts without configuration, and lists the public secrets", async () => {
  await stack.up("--build");
  const notice = await stack.logs("notice");
  for (const name of [
    "ICOMPLY_WEBHOOK_SECRETS",
    "DOSSIER_API_TOKEN",
    "POSTGRES_PASSWORD",
    "WORKER_DATABASE_URL",
  ]) {
    expect(notice).toContain(name);
  }
});

test("it says where the console is and which command makes a token", async () => {
  const shown = await stack.logs("console");
  expect(shown).toMatch(/Dossier's console: http:\/\/localhost:\d+\n/);
  const [, command = ""] = /docker compose (run --rm migrate .* token create) /.exec(shown) ?? [];
  expect(command).toBe("run --rm migrate packages/cli/src/main.ts token create");
});

test("the samples lead to the expected persons", async () => {
  expect(await send({ secret: TRIAL.secret })).toMatchObject({ code: 0 });
  await settled(TRIAL.token);
  const { items } = await ask<{ items: unknown[] }>("natural-persons", TRIAL.token);
  for (const person of [
    { entityId: "123340-830e-44bc-9a2d-6df7e20b307a", status: "documents-uploaded", version: 1 },
    { entityId: "12345a38-ee24-4686-8b4d-9251019f0009", status: "id-uploaded", version: 1 },
    { entityId: "17f86a38-ee24-4686-8b4d-9251019f0009", status: "id-upload-started", version: 2 },
    { entityId: "702a96b1-e145-45fc-99c1-69c2199aa30d", status: "approved", version: 2 },
  ])
    expect(items).toContainEqual(expect.objectContaining(person));
});

test("the dossier command is on the console's PATH, and finds the console and its token", async () => {
  const [console] = await stack.containers("console");
  if (console === undefined) throw new Error("no console runs");
  expect(await stack.exec(console, "dossier", "dead", "list")).toBe("no dead letters\n");
  expect(await stack.exec(console, "dossier", "status")).toMatch(/^console +ready$/m);
});

test("ingest's port is public, the console's is on loopback, and there is no other", async () => {
  const containers = await stack.containers();
  const published = containers.flatMap((container) =>
    Object.values(container.NetworkSettings.Ports)
      .flatMap((bindings) => bindings ?? [])
      .map(({ HostIp, HostPort }) => `${serviceOf(container)} ${HostIp} ${HostPort}`),
  );
  // "All addresses" is one binding, or two if the engine serves IPv6.
  expect(new Set(published.map((binding) => binding.replace(" :: ", " 0.0.0.0 ")))).toEqual(
    new Set([`ingest 0.0.0.0 ${ports.INGEST_PORT}`, `console 127.0.0.1 ${ports.CONSOLE_PORT}`]),
  );
});

test("no process is root, has a capability or can gain one", async () => {
  const running = (await stack.containers()).filter(({ State }) => State.Running);
  expect(running.map(serviceOf).toSorted()).toEqual(["console", "ingest", "postgres", "redis", "worker"]);
  for (const container of running) {
    const status = await stack.exec(container, "cat", "/proc/1/status");
    expect(status).not.toMatch(/^Uid:.*\b0\b/m);
    expect(status).toMatch(/^CapPrm:\s0+$/m);
    expect(status).toMatch(/^CapEff:\s0+$/m);
    expect(status).toMatch(/^CapBnd:\s0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\s1$/m);
  }
});

test("secrets, token, logins and log level come from the environment, and the data stay", async () => {
  stack.settings = configured;
  await stack.up("--scale", `worker=${WORKERS}`);
  expect(await stack.containers("worker")).toHaveLength(WORKERS);
  expect(await stack.logs("notice")).toMatch(/: POSTGRES_PASSWORD$/m);
  expect(await send({ secret: TRIAL.secret })).toMatchObject({ code: 1 });
  expect(await send({ secret: secrets.webhook })).toMatchObject({ code: 0 });
  await expect(ask("stats", TRIAL.token)).rejects.toThrow("401");
  await settled();
  expect(await ask("natural-persons/702a96b1-e145-45fc-99c1-69c2199aa30d")).toMatchObject({ version: 2 });
});

test("four workers settle the webhooks of 2,000 persons, though one of them is killed", async () => {
  const workers = await stack.containers("worker");
  const options = ["--persons=2000", "--duplicates=0.3", "--shuffle=0.5", "--seed=2000", "--check", "--json"];
  // The rate makes it take long enough on any machine.
  let hasEnded = false;
  const simulation = stack
    .dossier("simulate", ...options, "--rate=1000", `--secret=${secrets.webhook}`)
    .finally(() => (hasEnded = true));

  await waitFor(() => Promise.all(workers.map(countSettled)), isShared);
  const [killed, ...others] = workers;
  if (killed === undefined) throw new Error("no worker runs");
  await stack.kill(killed);
  expect(hasEnded).toBe(false);
  const before = await Promise.all(others.map(countSettled));

  const { code, stdout, stderr } = await simulation;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(JSON.parse(stdout)).toMatchObject({
    persons: 2000,
    sent: { refused: 0, unanswered: 0 },
    check: { open: 0, persons: 2000, mismatched: 0 },
  });
  const after = await Promise.all(others.map(countSettled));
  expect(after.every((count, index) => count > (before[index] ?? 0))).toBe(true);
});

test("no personal data and no secret stand in any log or in Redis", async () => {
  await stack.up("--scale", `worker=${WORKERS}`);
  const folder = await mkdtemp(join(tmpdir(), "dossier-test-"));
  const accepted: string[] = [];
  try {
    for (const [name, body] of Object.entries(canaries(secrets.webhook))) {
      const file = join(folder, name);
      await writeFile(file, body);
      const { stdout } = await send({ secret: secrets.webhook, file });
      accepted.push((JSON.parse(stdout) as { deliveryId: string }).deliveryId);
    }
    await send({ secret: "wrong", file: join(folder, "accepted") });
  } finally {
    await rm(folder, { recursive: true });
  }
  await settled();
  expect(await ask(`natural-persons/${CANARY_ENTITY_ID}`)).toMatchObject({
    email: `${CANARY}@example.com`,
  });
  await ask(`natural-persons?q=${CANARY}`);
  await expect(ask(`natural-persons?q=${CANARY}`, CANARY)).rejects.toThrow("401");

  const logs = await stack.logs();
  const [redis] = await stack.containers("redis");
  if (redis === undefined) throw new Error("Redis does not run");
  // Every command that Redis ever received, not only what it holds now.
  const commands = await stack.exec(redis, "sh", "-c", "cat /data/appendonlydir/*");
  // What must be found shows that the search works.
  for (const deliveryId of accepted) expect(commands).toContain(deliveryId);
  expect(logs).toContain('"code":"worker-started"');

  for (const secret of [
    CANARY,
    "John Doe",
    "Jane Doe",
    "@example.com",
    "@testing.com",
    ...Object.values(secrets),
  ]) {
    expect(occurrences(secret, logs), `${secret} in a log`).toEqual([]);
    expect(occurrences(secret, commands), `${secret} in Redis`).toEqual([]);
  }
});

test("every service exits with 0 at SIGTERM, and the next start has all data", async () => {
  const known = await ask(`natural-persons/${CANARY_ENTITY_ID}`);
  await stack.stop();
  const exits = (await stack.containers()).map(
    (container) => `${serviceOf(container)} ${container.State.ExitCode}`,
  );
  expect(exits.filter((exit) => !exit.endsWith(" 0"))).toEqual([]);
  await stack.up("--scale", `worker=${WORKERS}`);
  expect(await ask(`natural-persons/${CANARY_ENTITY_ID}`)).toEqual(known);
});

function send({ secret, file }: { secret: string; file?: string }) {
  return stack.dossier("send", `--secret=${secret}`, "--json", ...(file === undefined ? [] : [file]));
}

async function ask<T>(path: string, token = secrets.apiToken): Promise<T> {
  const url = `http://127.0.0.1:${ports.CONSOLE_PORT}/api/v1/${path}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as T;
}

/** Resolves once every accepted delivery is settled. */
async function settled(token?: string): Promise<void> {
  await waitFor(
    () => ask<{ deliveries: { open: number } }>("stats", token),
    ({ deliveries }) => expect(deliveries.open).toBe(0),
  );
}

/** Returns how many deliveries a worker has settled, from its metrics. */
async function countSettled(worker: Container): Promise<number> {
  const read =
    'fetch("http://127.0.0.1:8082/metrics").then(async (response) => console.log(await response.text()))';
  const metrics = await stack.exec(worker, "node", "--eval", read);
  const counts = metrics.matchAll(/^dossier_deliveries_total\{.*outcome="(?:applied|duplicate)".*\} (\d+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Whether each worker has settled more than a hundredth of an equal share. */
function isShared(counts: readonly number[]): boolean {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return counts.every((count) => count > all / counts.length / 100);
}

function occurrences(needle: string, text: string): readonly string[] {
  return text.split("\n").filter((line) => line.includes(needle));
}

function serviceOf({ Config }: Container): string {
  return Config.Labels["com.docker.compose.service"] ?? "";
}
