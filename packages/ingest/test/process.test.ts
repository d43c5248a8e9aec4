import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { payload } from "@dossier/simulator";
import { freshRedis, waitFor } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { createDatabase, holdCommits, post, SECRET, type Line } from "./harness.ts";
import { exchange, openSocket } from "./http.ts";

const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Starts ingest as a process of its own. */
function startProcess(context: TestContext, env: Readonly<Record<string, string>>) {
  const { NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [main], {
    env: { NODE_COMPILE_CACHE, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Line[] = [];
  const reader = createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  const stderr = text(child.stderr);
  const closed = once(child, "close");
  return {
    child,
    /** Resolves with the line of this code, once it is logged. */
    async logged(code: string): Promise<Line> {
      for (;;) {
        const line = lines.find((line) => line.code === code);
        if (line !== undefined) return line;
        if (child.exitCode !== null) throw new Error(`ended: ${await stderr}`);
        await once(reader, "line");
      }
    },
    async ended() {
      const [exitCode] = await closed;
      return { exitCode, stderr: await stderr, lines };
    },
  };
}

test("on SIGTERM it answers its open requests, accepts no other, and exits 0", async (context) => {
  const DATABASE_URL = await createDatabase(context);
  const { child, logged, ended } = startProcess(context, {
    PORT: "0",
    DATABASE_URL,
    REDIS_URL: await freshRedis(context),
    ICOMPLY_WEBHOOK_SECRETS: SECRET,
  });
  const port = Number((await logged("listening")).port);
  const commits = await holdCommits(context, DATABASE_URL);
  const first = post(port, BODY);
  await commits.reached();
  const second = post(port, BODY);
  // Connections are accepted in order: once this one is answered, the one before it is accepted too.
  expect(await exchange(port, { method: "GET", path: "/healthz" })).toMatchObject({ status: 200 });

  child.kill("SIGTERM");
  await logged("shutting-down");
  await waitFor(
    () => openSocket(port).catch((error: NodeJS.ErrnoException) => error.code),
    (code) => code === "ECONNREFUSED",
  );
  await commits.release();
  expect([(await first).status, (await second).status]).toEqual([200, 200]);
  const { exitCode, lines } = await ended();
  expect(exitCode).toBe(0);
  expect(lines.at(-1)?.code).toBe("shut-down");
});

test("without its configuration it names all that is missing in one message, and exits 1", async (context) => {
  const { exitCode, stderr, lines } = await startProcess(context, {
    PORT: "many",
    MAX_BODY_BYTES: "0",
  }).ended();
  expect(exitCode).toBe(1);
  expect(lines).toEqual([]);
  for (const name of ["PORT", "DATABASE_URL", "ICOMPLY_WEBHOOK_SECRETS", "MAX_BODY_BYTES"]) {
    expect(stderr).toMatch(new RegExp(`^ +${name} (is|must)`, "m"));
  }
});

test("an invalid secret is not repeated", async (context) => {
  const { exitCode, stderr } = await startProcess(context, {
    DATABASE_URL: "mysql://user:hush@host/x",
    ICOMPLY_WEBHOOK_SECRETS: `${SECRET},`,
  }).ended();
  expect(exitCode).toBe(1);
  expect(stderr).not.toMatch(/hush|whs_/);
});
