import { payload } from "@dossier/simulator";
import { freshRedis, waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { createDatabase, holdCommits, post, SECRET } from "./harness.ts";
import { exchange, openSocket } from "./http.ts";
import { startProcess } from "./process.ts";

const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));
test("on SIGTERM it answers its open requests, accepts no other, and exits 0", async (context) => {
  const DATABASE_URL = await createDatabase(context);
  const { child, logged, log, ended } = startProcess(context, {
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
  expect((await ended).code).toBe(0);
  expect(log.lines().at(-1)?.code).toBe("shut-down");
});

test("on SIGTERM it is not ready for DRAIN_SECONDS, and accepts webhooks meanwhile", async (context) => {
  const { child, logged } = startProcess(context, {
    DATABASE_URL: await createDatabase(context),
    ICOMPLY_WEBHOOK_SECRETS: SECRET,
    DRAIN_SECONDS: "600",
  });
  const { port = 0, opsPort = 0 } = await logged("listening");
  const readiness = () => exchange(port, { method: "GET", path: "/readyz" });
  expect(await readiness()).toMatchObject({ status: 200, json: { status: "ready" } });
  child.kill("SIGTERM");
  await logged("draining");
  expect(await readiness()).toMatchObject({ status: 503, json: { status: "shutting down" } });
  expect(await exchange(opsPort, { method: "GET", path: "/readyz" })).toMatchObject({ status: 503 });
  expect((await post(port, BODY)).status).toBe(200);
});

test("without its configuration it names all that is missing in one message, and exits 1", async (context) => {
  const { code, stdout, stderr } = await startProcess(context, {
    PORT: "many",
    MAX_BODY_BYTES: "0",
  }).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  for (const name of ["PORT", "DATABASE_URL", "ICOMPLY_WEBHOOK_SECRETS", "MAX_BODY_BYTES"]) {
    expect(stderr).toMatch(new RegExp(`^ +${name} (is|must)`, "m"));
  }
});

test("an invalid secret is not repeated", async (context) => {
  const { code, stderr } = await startProcess(context, {
    DATABASE_URL: "mysql://user:hush@host/x",
    ICOMPLY_WEBHOOK_SECRETS: `${SECRET},`,
  }).ended;
  expect(code).toBe(1);
  expect(stderr).not.toMatch(/hush|whs_/);
});
