import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { payload } from "@dossier/simulator";
import { freshRedis } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { database, holdCommits, post, SECRET, type Line } from "./harness.ts";
import { exchange, opened as connected } from "./http.ts";

const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Ingest as a process of its own. */
function run(context: TestContext, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "pipe"] });
  context.onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Line[] = [];
  const reader = createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  const stderr = text(child.stderr);
  const closed = once(child, "close");
  return {
    child,
    async logged(message: string): Promise<Line> {
      for (;;) {
        const line = lines.find(({ msg }) => msg === message);
        if (line !== undefined) return line;
        if (child.exitCode !== null) throw new Error(`ended: ${await stderr}`);
        await once(reader, "line");
      }
    },
    async ended() {
      const [code] = await closed;
      return { code, stderr: await stderr, lines };
    },
  };
}

test("on SIGTERM it answers what it has taken, takes no more, and exits 0", async (context) => {
  const DATABASE_URL = await database(context);
  const { child, logged, ended } = run(context, {
    PORT: "0",
    DATABASE_URL,
    REDIS_URL: await freshRedis(context),
    ICOMPLY_WEBHOOK_SECRETS: SECRET,
  });
  const port = Number((await logged("ingest listens")).port);
  const commits = await holdCommits(context, DATABASE_URL);
  const first = post(port, BODY);
  await commits.reached();
  const second = post(port, BODY);
  // Connections are taken in turn: once this one is answered, the one before it is more than a name in a backlog.
  expect(await exchange(port, { method: "GET", path: "/healthz" })).toMatchObject({ status: 200 });

  child.kill("SIGTERM");
  await logged("shutting down");
  await expect
    .poll(() => connected(port).catch((error: NodeJS.ErrnoException) => error.code))
    .toBe("ECONNREFUSED");
  await commits.release();
  expect([(await first).status, (await second).status]).toEqual([200, 200]);
  const { code, lines } = await ended();
  expect(code).toBe(0);
  expect(lines.at(-1)?.msg).toBe("shut down");
});

test("without its configuration it names all that is missing in one message, and exits 1", async (context) => {
  const { code, stderr, lines } = await run(context, { PORT: "many", MAX_BODY_BYTES: "0" }).ended();
  expect(code).toBe(1);
  expect(lines).toEqual([]);
  for (const name of ["PORT", "DATABASE_URL", "ICOMPLY_WEBHOOK_SECRETS", "MAX_BODY_BYTES"]) {
    expect(stderr).toMatch(new RegExp(`^ +${name} (is|must)`, "m"));
  }
});

test("a secret that is wrongly given is not repeated", async (context) => {
  const { code, stderr } = await run(context, {
    DATABASE_URL: "mysql://user:hush@host/x",
    ICOMPLY_WEBHOOK_SECRETS: `${SECRET},`,
  }).ended();
  expect(code).toBe(1);
  expect(stderr).not.toMatch(/hush|whs_/);
});
