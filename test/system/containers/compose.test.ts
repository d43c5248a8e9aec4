import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { freePort } from "../../packages/embedded/src/port.ts";
import { CANARY, CANARY_ENTITY_ID, canaries } from "./canary.ts";
import { Stack, type Container, type Settings } from "./stack.ts";

const TRIAL = "trial-only";
const WORKERS = 4;

const ports = { INGEST_PORT: String(await freePort()), CONSOLE_PORT: String(await freePort()) };
const hex = () => randomBytes(16).toString("hex");
const secrets = { webhook: `whs_${hex()}`, apiToken: hex(), servicePassword: hex() };
const serious: Settings = {
  ...ports,
  ICOMPLY_WEBHOOK_SECRETS: `whs_${hex()},${secrets.webhook}`,
  DOSSIER_API_TOKEN: secrets.apiToken,
  DATABASE_URL: `postgres://dossier:${secrets.servicePassword}@postgres:5432/dossier`,
  // What is logged only when somebody looks closely must be free of personal data as well.
  LOG_LEVEL: "trace",
};

const stack = new Stack(`dossier-test-${hex().slice(0, 8)}`, ports);

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") process.stderr.write((await stack.logs()).slice(-20_000));
});
afterAll(() => stack[Symbol.asyncDispose]());

test("starts without any configuration, and says which secrets everyone knows", async () => {
  await stack.up("--build");
  const notice = await stack.logs("notice");
  for (const name of ["ICOMPLY_WEBHOOK_SECRETS", "DOSSIER_API_TOKEN", "POSTGRES_PASSWORD", "DATABASE_URL"]) {
    expect(notice).toContain(name);
  }
});

test("compiles the persons' files from the six samples", async () => {
  expect(await send({ secret: TRIAL })).toMatchObject({ code: 0 });
  await settled(TRIAL);
  const { items } = await ask<{ items: unknown }>("natural-persons", TRIAL);
  expect(items).toMatchObject([
    { entityId: "123340-830e-44bc-9a2d-6df7e20b307a", status: "documents-uploaded", version: 1 },
    { entityId: "12345a38-ee24-4686-8b4d-9251019f0009", status: "id-uploaded", version: 1 },
    { entityId: "17f86a38-ee24-4686-8b4d-9251019f0009", status: "id-upload-started", version: 2 },
    { entityId: "702a96b1-e145-45fc-99c1-69c2199aa30d", status: "approved", version: 2 },
  ]);
});

test("publishes ingest's port, and on loopback the console's, and no other", async () => {
  const containers = await stack.containers();
  const published = containers.flatMap((container) =>
    Object.values(container.NetworkSettings.Ports)
      .flatMap((bindings) => bindings ?? [])
      .map(({ HostIp, HostPort }) => `${serviceOf(container)} ${HostIp} ${HostPort}`),
  );
  // All addresses are one binding, or two where the engine serves IPv6.
  expect(new Set(published.map((binding) => binding.replace(" :: ", " 0.0.0.0 ")))).toEqual(
    new Set([`ingest 0.0.0.0 ${ports.INGEST_PORT}`, `console 127.0.0.1 ${ports.CONSOLE_PORT}`]),
  );
});

test("runs nothing as root, and nothing with a capability or a way to gain one", async () => {
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

test("lets the environment override secrets, token, login and log level, and keeps what it has", async () => {
  stack.settings = serious;
  await stack.up("--scale", `worker=${WORKERS}`);
  expect(await stack.containers("worker")).toHaveLength(WORKERS);
  expect(await stack.logs("notice")).toMatch(/ in POSTGRES_PASSWORD$/m);
  expect(await send({ secret: TRIAL })).toMatchObject({ code: 1 });
  expect(await send({ secret: secrets.webhook })).toMatchObject({ code: 0 });
  await expect(ask("stats", TRIAL)).rejects.toThrow("401");
  await settled();
  expect(await ask("natural-persons/702a96b1-e145-45fc-99c1-69c2199aa30d")).toMatchObject({ version: 2 });
});

test("four workers share 2,000 journeys; one is killed meanwhile, and every file is as it must be", async () => {
  const workers = await stack.containers("worker");
  const options = ["--persons=2000", "--duplicates=0.3", "--shuffle=0.5", "--seed=2000", "--check", "--json"];
  // No faster than this, so that it goes on for long enough on any machine.
  let over = false;
  const simulation = stack
    .dossier("simulate", ...options, "--rate=1000", `--secret=${secrets.webhook}`)
    .finally(() => (over = true));

  await expect.poll(() => Promise.all(workers.map(settledBy))).toSatisfy(everyOneWorked);
  const [victim, ...others] = workers;
  if (victim === undefined) throw new Error("no worker runs");
  await stack.kill(victim);
  expect(over).toBe(false);
  const before = await Promise.all(others.map(settledBy));

  const { code, stdout, stderr } = await simulation;
  expect(code, `it said: ${stderr}`).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    persons: 2000,
    sent: { refused: 0, unanswered: 0 },
    checked: { open: 0, persons: 2000, deviating: 0 },
  });
  const after = await Promise.all(others.map(settledBy));
  expect(after.every((count, index) => count > (before[index] ?? 0))).toBe(true);
});

test("leaves no personal data and no secret in any log or in Redis", async () => {
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
  // Every command that Redis was ever given, not only what it holds now.
  const commands = await stack.exec(redis, "sh", "-c", "cat /data/appendonlydir/*");
  // What must be there shows that the search reaches it.
  for (const deliveryId of accepted) expect(commands).toContain(deliveryId);
  expect(logs).toContain("the worker takes jobs");

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

test("ends every service with 0 at SIGTERM, and has everything again after the next start", async () => {
  const known = await ask(`natural-persons/${CANARY_ENTITY_ID}`);
  await stack.stop();
  const ended = (await stack.containers()).map(
    (container) => `${serviceOf(container)} ${container.State.ExitCode}`,
  );
  expect(ended.filter((end) => !end.endsWith(" 0"))).toEqual([]);
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
  await expect
    .poll(async () => (await ask<{ deliveries: { open: number } }>("stats", token)).deliveries.open)
    .toBe(0);
}

/** How many deliveries a worker has settled, as its metrics count them. */
async function settledBy(worker: Container): Promise<number> {
  const read =
    'fetch("http://127.0.0.1:8082/metrics").then(async (response) => console.log(await response.text()))';
  const metrics = await stack.exec(worker, "node", "--eval", read);
  const counts = metrics.matchAll(/^dossier_deliveries_total\{.*outcome="(?:applied|duplicate)".*\} (\d+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** A worker that had no more than a hundredth of an equal share would not be sharing. */
function everyOneWorked(counts: readonly number[]): boolean {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return counts.every((count) => count > all / counts.length / 100);
}

function occurrences(needle: string, text: string): readonly string[] {
  return text.split("\n").filter((line) => line.includes(needle));
}

function serviceOf({ Config }: Container): string {
  return Config.Labels["com.docker.compose.service"] ?? "";
}
