import { fileURLToPath } from "node:url";
import { runningTest, startNode } from "@dossier/testing";
import { describe, expect, test } from "vitest";

const fixture = fileURLToPath(new URL("fixtures/service.ts", import.meta.url));

function startProcess(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const started = startNode(runningTest, fixture, { args, env: { PORT: "0", ...env } });
  return {
    ...started,
    async ended() {
      const { code, signal, stderr } = await started.ended;
      return { code, signal, stderr, logged: started.log.lines().map((line) => line.code) };
    },
  };
}

describe("a process that runs until a signal", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "answers open requests, runs its shutdown steps in order, and exits 0 on %s",
    async (signal) => {
      const { child, logged, ended } = startProcess();
      const { port } = await logged("listening");
      const answer = fetch(`http://127.0.0.1:${port}/slow`);
      await logged("request-arrived");
      const end = ended();
      child.kill(signal);
      expect(await (await answer).text()).toBe("answered");
      expect(await end).toEqual({
        code: 0,
        signal: null,
        stderr: "",
        logged: ["listening", "request-arrived", "shutting-down", "database-closed", "shut-down"],
      });
    },
  );

  test("drains first, if it shall: it is not ready, answers all the same, and heeds a second signal", async () => {
    const { child, logged, ended } = startProcess([], { DRAIN_SECONDS: "600" });
    const { port } = await logged("listening");
    const end = ended();
    child.kill("SIGTERM");
    expect(await logged("draining")).toMatchObject({ drainSeconds: 600 });
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await end).toMatchObject({ code: 143 });
  });

  test("shuts down when it has drained", async () => {
    const { child, logged, ended } = startProcess([], { DRAIN_SECONDS: "1" });
    const { port } = await logged("listening");
    const answer = fetch(`http://127.0.0.1:${port}/slow`);
    await logged("request-arrived");
    const end = ended();
    child.kill("SIGTERM");
    expect(await (await answer).text()).toBe("answered");
    expect(await end).toMatchObject({
      code: 0,
      logged: ["listening", "request-arrived", "draining", "shutting-down", "database-closed", "shut-down"],
    });
  });

  test("exits at once on a second signal", async () => {
    const { child, logged, ended } = startProcess(["hang"]);
    await logged("listening");
    const end = ended();
    child.kill("SIGTERM");
    await logged("shutting-down");
    child.kill("SIGTERM");
    expect(await end).toMatchObject({ code: 143 });
  });

  test("exits 0 at once on a signal while it starts", async () => {
    const { child, logged, ended } = startProcess(["wait-at-start"]);
    await logged("starting");
    const end = ended();
    child.kill("SIGTERM");
    expect(await end).toMatchObject({ code: 0, logged: ["starting", "shutting-down", "shut-down"] });
  });

  test("runs the next step if one hangs, and exits 1", async () => {
    const { child, logged, ended } = startProcess(["hang", "short-steps"]);
    await logged("listening");
    const end = ended();
    child.kill("SIGTERM");
    expect(await end).toMatchObject({
      code: 1,
      logged: ["listening", "shutting-down", "shutdown-step-failed", "database-closed", "shut-down"],
    });
  });

  test.each(["throw", "reject"])("logs a fatal line and exits 1 on an uncaught %s", async (path) => {
    const { log, logged, ended } = startProcess();
    const { port } = await logged("listening");
    const end = ended();
    await fetch(`http://127.0.0.1:${port}/${path}`).catch(() => undefined);
    expect(await end).toMatchObject({ code: 1, stderr: "" });
    expect(log.lines().at(-1)).toMatchObject({ level: "fatal", code: "uncaught-error" });
    expect(JSON.stringify(log.lines())).not.toContain("hush");
  });

  test("logs a fatal line and exits 1 if it cannot start", async () => {
    const { log, ended } = startProcess(["fail-at-start"]);
    expect(await ended()).toMatchObject({ code: 1, stderr: "" });
    expect(log.lines()).toMatchObject([
      { level: "fatal", code: "uncaught-error", err: { message: "no database" } },
    ]);
  });

  test("writes what is wrong with its configuration to stderr, and exits 1", async () => {
    const { ended } = startProcess([], { PORT: "http", LOG_LEVEL: "loud" });
    const { code, stderr } = await ended();
    expect(code).toBe(1);
    expect(stderr).toMatch(/PORT must be.*\n.*\n.*LOG_LEVEL must be/);
  });

  test("writes that its port is in use to stderr, and exits 1", async () => {
    const { port } = await startProcess().logged("listening");
    const { code, stderr } = await startProcess([], { PORT: String(port) }).ended();
    expect([code, stderr]).toEqual([
      1,
      `Port ${port} is in use: stop what listens there, or set PORT to another.\n`,
    ]);
  });
});
