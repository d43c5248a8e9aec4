/** Docker Compose with the overlay of production. No image of Caddy is needed: test/system/caddy tests what it does. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "@dossier/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stack, type Container } from "./stack.ts";

interface Service {
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly { readonly published: string }[];
  readonly networks: object;
  readonly [setting: string]: unknown;
}
interface ComposeConfig {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

const SERVICES = ["ingest", "worker", "console"];
const secretsDir = await mkdtemp(join(tmpdir(), "dossier-secrets-"));
const stack = new Stack(
  `dossier-test-${randomBytes(4).toString("hex")}`,
  { WEBHOOK_HOST: "hooks.example.com", CONSOLE_HOST: "dossier.example.com", SECRETS_DIR: secretsDir },
  ["docker-compose.yml", "compose.production.yaml"],
);
const webhookSecret = `whs_${randomBytes(16).toString("hex")}`;

beforeAll(() => makeSecrets(webhookSecret));
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(secretsDir, { recursive: true });
});

async function makeSecrets(secret: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = execFile("bash", ["deploy/secrets.sh", secretsDir], (error) =>
    error ? reject(error) : resolve(),
  );
  child.stdin?.end(`${secret}\n`);
  return promise;
}

test("the files are valid, leave no value of a trial, and publish nothing but Caddy", async () => {
  const { services, networks } = (await stack.config()) as ComposeConfig;
  const environments = Object.entries(services).map(([name, { environment }]) => [name, environment]);
  expect(JSON.stringify(environments)).not.toContain("trial");
  const published = Object.entries(services).flatMap(([name, { ports = [] }]) =>
    ports.map((port) => `${name} ${port.published}`),
  );
  expect(published).toEqual(["caddy 80", "caddy 443"]);
  expect(Object.keys(networks).filter((name) => networks[name]?.internal === true)).toEqual([
    "metrics",
    "queue",
    "record",
  ]);
  const { caddy, ...others } = services;
  expect(Object.keys(caddy?.networks ?? {})).toEqual(["edge"]);
  for (const [name, service] of Object.entries({ caddy, ...others }))
    expect([name, service]).toEqual([
      name,
      expect.objectContaining({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        mem_limit: expect.any(String) as string,
      }),
    ]);
});

test("without one of the secrets nothing starts, and the message names its file", async () => {
  const file = join(secretsDir, "redis_password");
  await rename(file, `${file}.away`);
  await expect(stack.up("--build", "redis")).rejects.toThrow(file);
  await rename(`${file}.away`, file);
});

test("it takes a webhook and settles it, with secrets from files alone", async () => {
  await stack.up("--build", ...SERVICES);
  const [ingest] = await stack.containers("ingest");
  const sent = await stack.dossier(
    ...["send", `--secret=${webhookSecret}`, "--json", `--url=${urlOf(ingest, 8080)}/webhooks/icomply`],
  );
  expect(sent).toMatchObject({ code: 0 });
  await waitFor(
    () => ask<{ deliveries: { open: number } }>("stats"),
    ({ deliveries }) => expect(deliveries.open).toBe(0),
  );
  expect(await ask("natural-persons/702a96b1-e145-45fc-99c1-69c2199aa30d")).toMatchObject({
    status: "approved",
  });

  const containers = await stack.containers();
  const secrets = await Promise.all(
    (await readdir(secretsDir)).map(async (name) => (await readFile(join(secretsDir, name), "utf8")).trim()),
  );
  expect(secrets).toHaveLength(9);
  const seen = JSON.stringify(containers) + (await stack.logs());
  expect(secrets.filter((secret) => seen.includes(secret))).toEqual([]);
});

test("the command in the console's container finds the console and its token", async () => {
  const [console] = await stack.containers("console");
  if (console === undefined) throw new Error("no console runs");
  const status = await stack.exec(console, "dossier", "status");
  expect(status).toMatch(/^console +ready$/m);
});

test("no process is root or can gain a capability, and Redis lets in nobody without the password", async () => {
  const running = (await stack.containers()).filter(({ State }) => State.Running);
  for (const container of running) {
    const status = await stack.exec(container, "cat", "/proc/1/status");
    expect(status).not.toMatch(/^Uid:.*\b0\b/m);
    expect(status).toMatch(/^CapBnd:\s0+$/m);
  }
  const [redis] = await stack.containers("redis");
  if (redis === undefined) throw new Error("Redis does not run");
  expect(await stack.exec(redis, "redis-cli", "ping")).toContain("NOAUTH");
});

function urlOf(container: Container | undefined, port: number): string {
  const networks = Object.entries(container?.NetworkSettings.Networks ?? {});
  const [, edge] = networks.find(([name]) => name.endsWith("_edge")) ?? [];
  if (edge === undefined) throw new Error("the container is not on the network edge");
  return `http://${edge.IPAddress}:${port}`;
}

async function ask<T>(path: string): Promise<T> {
  const [console] = await stack.containers("console");
  const token = (await readFile(join(secretsDir, "api_token"), "utf8")).trim();
  const response = await fetch(`${urlOf(console, 8081)}/api/v1/${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as T;
}
