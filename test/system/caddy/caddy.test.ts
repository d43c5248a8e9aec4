/** deploy/caddy/Caddyfile, run by Debian's Caddy with an authority of its own, in front of ingest and the console. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startServer } from "@dossier/embedded";
import { payload, sign } from "@dossier/simulator";
import { migrate } from "@dossier/store";
import { freshDatabase, openScope, startNode, waitFor } from "@dossier/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

const WEBHOOKS = "hooks.localhost";
const CONSOLE = "console.localhost";
const TOKEN = "token-of-a-test";
const OLD = "whs_0123456789abcdef";
const NEW = "whs_fedcba9876543210";
const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));

const scope = openScope();
let databaseUrl: string;
let ports: Readonly<Record<"https" | "health" | "ingest" | "console", number>>;
let authority: Buffer;
let ingest: Awaited<ReturnType<typeof startIngest>>;

beforeAll(async () => {
  const { url, drop } = await freshDatabase({ name: "migrated", make: migrate });
  scope.onTestFinished(drop);
  databaseUrl = url;
  ports = {
    https: await freePort(),
    health: await freePort(),
    ingest: await freePort(),
    console: await freePort(),
  };
  authority = await startCaddy();
  const [started] = await Promise.all([startIngest(OLD), startConsole()]);
  ingest = started;
});
afterAll(scope.close);

/** Returns the certificate of its authority. */
async function startCaddy(): Promise<Buffer> {
  const data = await mkdtemp(join(tmpdir(), "dossier-caddy-"));
  scope.onTestFinished(() => rm(data, { recursive: true, force: true }));
  const settings = {
    WEBHOOK_HOST: WEBHOOKS,
    CONSOLE_HOST: CONSOLE,
    HTTP_PORT: String(await freePort()),
    HTTPS_PORT: String(ports.https),
    HEALTH_PORT: String(ports.health),
    INGEST_ADDRESS: `127.0.0.1:${ports.ingest}`,
    CONSOLE_ADDRESS: `127.0.0.1:${ports.console}`,
    CADDY_OPTIONS: "local_certs\nskip_install_trust",
    XDG_DATA_HOME: data,
    XDG_CONFIG_HOME: data,
  };
  const server = await startServer(
    {
      name: "caddy",
      url: (port) => `https://127.0.0.1:${port}`,
      prepare: async () => ({
        command: "env",
        args: [
          ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
          ...["caddy", "run", "--adapter", "caddyfile", "--config", "deploy/caddy/Caddyfile"],
        ],
        ready: "serving initial configuration",
        stopSignal: "SIGTERM",
        orphaned: "kill -KILL $1",
      }),
    },
    { port: ports.https },
  );
  scope.onTestFinished(() => server.stop());
  return waitFor(() => readFile(join(data, "caddy/pki/authorities/local/root.crt")).catch(() => undefined));
}

async function startIngest(secrets: string) {
  const started = startNode(scope, "packages/ingest/src/main.ts", {
    env: {
      DATABASE_URL: databaseUrl,
      PORT: String(ports.ingest),
      OPS_PORT: "0",
      ICOMPLY_WEBHOOK_SECRETS: secrets,
      REDIS_URL: "redis://127.0.0.1:1",
      DRAIN_SECONDS: "4",
    },
  });
  await started.logged("listening");
  return started;
}

async function startConsole(): Promise<void> {
  const { logged } = startNode(scope, "packages/console/src/main.ts", {
    env: {
      DATABASE_URL: databaseUrl,
      PORT: String(ports.console),
      OPS_PORT: "0",
      DOSSIER_API_TOKEN: TOKEN,
      CONSOLE_URL: `https://${CONSOLE}`,
      REDIS_URL: "redis://127.0.0.1:1",
    },
  });
  await logged("listening");
}

interface Answer {
  readonly status: number | undefined;
  readonly hsts: string | undefined;
  readonly text: string;
}

/** Sends a request over TLS that is verified. */
async function ask(
  host: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Answer> {
  const sent = request({
    ...{ host: "127.0.0.1", port: ports.https, servername: host, ca: authority },
    ...{ path, method: body === undefined ? "GET" : "POST", headers: { host, ...headers } },
  });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const chunks = await Array.fromAsync(response as AsyncIterable<Buffer>);
  return {
    status: response.statusCode,
    hsts: response.headers["strict-transport-security"],
    text: Buffer.concat(chunks).toString(),
  };
}

const send = (secret: string, host = WEBHOOKS) =>
  ask(
    host,
    "/webhooks/icomply",
    { "content-type": "application/json", "abp-webhook-signature": sign(BODY, secret) },
    BODY,
  );

test("Caddy's health check is answered on loopback alone", async () => {
  expect((await fetch(`http://127.0.0.1:${ports.health}/`)).status).toBe(200);
  await expect(fetch(`http://127.0.0.2:${ports.health}/`)).rejects.toThrow("fetch failed");
});

test("webhooks are taken over TLS under their own host, where nothing else is served", async () => {
  expect(await send(OLD)).toMatchObject({ status: 200, text: expect.stringContaining("accepted") as string });
  expect(await send(NEW)).toMatchObject({ status: 401 });
  for (const path of ["/", "/readyz", "/healthz", "/api/v1/stats", "/webhooks/icomply/more", "/metrics"])
    expect([path, (await ask(WEBHOOKS, path)).status]).toEqual([path, 404]);
});

test("the console is served under its own host, and takes no webhook", async () => {
  const authorization = `Bearer ${TOKEN}`;
  expect(await ask(CONSOLE, "/api/v1/stats", { authorization })).toMatchObject({
    status: 200,
    hsts: "max-age=31536000",
  });
  expect(await ask(CONSOLE, "/api/v1/stats")).toMatchObject({ status: 401 });
  expect((await send(OLD, CONSOLE)).status).not.toBe(200);
});

test("no webhook is refused while ingest restarts with a new secret beside the old one", async () => {
  const answers: (number | undefined)[] = [];
  let restarted = false;
  async function sendUntilRestarted(): Promise<void> {
    while (!restarted) answers.push((await send(OLD)).status);
  }
  const sending = [sendUntilRestarted(), sendUntilRestarted()];
  ingest.child.kill("SIGTERM");
  await ingest.ended;
  ingest = await startIngest(`${NEW},${OLD}`);
  restarted = true;
  await Promise.all(sending);
  expect(new Set(answers)).toEqual(new Set([200]));
  expect(await send(NEW)).toMatchObject({ status: 200 });
});

test("the program of capture-webhooks.md takes ingest's place, and answers one webhook with 503", async (context) => {
  ingest.child.kill("SIGTERM");
  await ingest.ended;
  const capture = startNode(context, "deploy/capture-webhook.mjs", { args: [String(ports.ingest)] });
  expect(await send(OLD)).toMatchObject({ status: 503 });
  expect(await capture.ended).toMatchObject({ code: 0 });
  expect(capture.printed()).toContain(BODY);
});
