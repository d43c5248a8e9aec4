import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";

const fixture = fileURLToPath(new URL("fixtures/service.ts", import.meta.url));

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly port?: number;
}

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

function run(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [fixture, ...args], {
    env: { PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  const lines: Line[] = [];
  const reader = createInterface(child.stdout);
  reader.on("line", (line) => lines.push(JSON.parse(line)));
  const ended = new AbortController();
  reader.once("close", () => ended.abort(new Error("the process ended")));
  const stderr = text(child.stderr);
  return {
    child,
    lines,
    async logged(message: string): Promise<Line> {
      for (;;) {
        const line = lines.find(({ msg }) => msg === message);
        if (line !== undefined) return line;
        await once(reader, "line", { signal: ended.signal });
      }
    },
    async ended() {
      const [code, signal] = await once(child, "close");
      return { code, signal, stderr: await stderr, said: lines.map(({ msg }) => msg) };
    },
  };
}

describe("a process run until a signal", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "answers what it took, does its steps in order, and exits 0 on %s",
    async (signal) => {
      const { child, logged, ended } = run();
      const { port } = await logged("listening");
      const answer = fetch(`http://127.0.0.1:${port}/slow`);
      await logged("arrived");
      const end = ended();
      child.kill(signal);
      expect(await (await answer).text()).toBe("answered");
      expect(await end).toEqual({
        code: 0,
        signal: null,
        stderr: "",
        said: ["listening", "arrived", "shutting down", "closed the database", "shut down"],
      });
    },
  );

  test("exits at once on a second signal", async () => {
    const { child, logged, ended } = run(["hang"]);
    await logged("listening");
    const end = ended();
    child.kill("SIGTERM");
    await logged("shutting down");
    child.kill("SIGTERM");
    expect(await end).toMatchObject({ code: 143 });
  });

  test("exits 0 at once on a signal that comes while it starts", async () => {
    const { child, logged, ended } = run(["wait-at-start"]);
    await logged("starting");
    const end = ended();
    child.kill("SIGTERM");
    expect(await end).toMatchObject({ code: 0, said: ["starting", "shutting down", "shut down"] });
  });

  test("goes on to the next step when one hangs, and exits 1", async () => {
    const { child, logged, ended } = run(["hang", "brief"]);
    await logged("listening");
    const end = ended();
    child.kill("SIGTERM");
    expect(await end).toMatchObject({
      code: 1,
      said: [
        "listening",
        "shutting down",
        "a step of the shutdown was not done",
        "closed the database",
        "shut down",
      ],
    });
  });

  test.each(["throw", "reject"])("ends with a fatal line and 1 on an uncaught %s", async (path) => {
    const { lines, logged, ended } = run();
    const { port } = await logged("listening");
    const end = ended();
    await fetch(`http://127.0.0.1:${port}/${path}`).catch(() => undefined);
    expect(await end).toMatchObject({ code: 1, stderr: "" });
    expect(lines.at(-1)).toMatchObject({ level: "fatal" });
    expect(JSON.stringify(lines)).not.toContain("hush");
  });

  test("ends with a fatal line and 1 when it cannot start", async () => {
    const { lines, ended } = run(["fail-at-start"]);
    expect(await ended()).toMatchObject({ code: 1, stderr: "" });
    expect(lines).toEqual([
      expect.objectContaining({
        level: "fatal",
        err: expect.objectContaining({ message: "no database" }),
      }),
    ]);
  });

  test("says what is wrong with its configuration on stderr, and exits 1", async () => {
    const { ended } = run([], { PORT: "http", LOG_LEVEL: "loud" });
    const { code, stderr } = await ended();
    expect(code).toBe(1);
    expect(stderr).toMatch(/PORT must be.*\n.*\n.*LOG_LEVEL must be/);
  });

  test("says that its port is in use, and exits 1", async () => {
    const { port } = await run().logged("listening");
    const { code, stderr } = await run([], { PORT: String(port) }).ended();
    expect([code, stderr]).toEqual([
      1,
      `Port ${port} is in use: stop what listens there, or set PORT to another.\n`,
    ]);
  });
});
