import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { payload } from "@dossier/simulator";
import { waitFor } from "@dossier/testing";
import { describe, expect, test, type TestContext } from "vitest";
import { createDatabase, post, SECRET } from "./harness.ts";
import { openSocket, requestHead } from "./http.ts";
import { startProcess } from "./process.ts";

const MIB = 1024 * 1024;
const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));

/** Starts ingest as a process with a small heap. `growth` is what its memory has grown by at its peak, in bytes. */
async function ingestProcess(context: TestContext) {
  const env = { DATABASE_URL: await createDatabase(context), ICOMPLY_WEBHOOK_SECRETS: SECRET };
  const { child, logged } = startProcess(context, env, ["--max-old-space-size=256"]);
  const port = Number((await logged("listening")).port);
  expect((await post(port, BODY)).status).toBe(200);
  const peak = async () => {
    const status = await readFile(`/proc/${child.pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  };
  const atStart = await peak();
  return { child, port, growth: async () => (await peak()) - atStart };
}

/** Opens connections that each send this, read what comes, and stay open. `answers` counts them by status. */
async function flood(context: TestContext, port: number, connections: number, request: readonly string[]) {
  const bytes = Buffer.from(request.join(""));
  const sockets: Socket[] = [];
  context.onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
  const answers: Record<string, number> = {};
  // In groups that the queue of the listening socket has room for.
  for (let opened = 0; opened < connections; opened += 100) {
    const group = Array.from({ length: Math.min(100, connections - opened) }, () => openSocket(port));
    for (const socket of await Promise.all(group)) {
      sockets.push(socket);
      socket.once("data", (answer: Buffer) => {
        const status = answer.toString("latin1").split(" ", 2)[1] ?? "";
        answers[status] = (answers[status] ?? 0) + 1;
      });
      socket.write(bytes);
    }
  }
  return {
    answers,
    /** How many are unfinished still. */
    open: () => sockets.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded).length,
  };
}

function head(headers: Record<string, string>): string {
  return requestHead({ method: "POST", path: "/webhooks/icomply", contentLength: null, headers });
}

const options = { skip: process.platform !== "linux", timeout: 5 * 60_000 };

const TINY_CHUNKS = [head({ "transfer-encoding": "chunked" }), "1\r\nx\r\n".repeat(MIB - 1)];
const LARGE_BODY = [head({ "content-length": String(MIB) }), "x".repeat(MIB - 1)];
const LARGE_CHUNK = [
  head({ "transfer-encoding": "chunked" }),
  (MIB - 1).toString(16),
  "\r\n",
  "x".repeat(MIB - 1),
];
const SMALL_BODY = [head({ "content-length": "65536" }), "x"];

describe("the memory of ingest", options, () => {
  test("grows little by four strangers that send almost 1 MiB in one-byte chunks", async (context) => {
    const { port, growth } = await ingestProcess(context);
    const { answers, open } = await flood(context, port, 4, TINY_CHUNKS);
    await waitFor(open, (unfinished) => unfinished === 0);
    expect(await growth()).toBeLessThan(100 * MIB);
    expect(answers).toEqual({ 400: 4 });
    expect((await post(port, BODY)).status).toBe(200);
  });

  describe.each([
    ["1,100 strangers announce 1 MiB, send one byte less and wait", 1_100, LARGE_BODY, 96],
    ["1,100 strangers send a chunk of 1 MiB less one byte and wait", 1_100, LARGE_CHUNK, 96],
    ["4,000 strangers announce 64 KiB, send a byte and wait", 4_000, SMALL_BODY, 2_048],
  ] as const)("while %s", (_case, connections, request, unfinishedBodies) => {
    test("stays bounded, and webhooks are accepted", async (context) => {
      const { child, port, growth } = await ingestProcess(context);
      const { answers, open } = await flood(context, port, connections, request);
      const statuses: number[] = [];
      await waitFor(
        async () => {
          statuses.push((await post(port, BODY)).status);
          return open();
        },
        (unfinished) => unfinished <= unfinishedBodies,
      );
      expect(new Set(statuses)).toEqual(new Set([200]));
      expect(Object.keys(answers)).toContain("503");
      expect(child.exitCode).toBeNull();
      expect(await growth()).toBeLessThan(400 * MIB);
    });
  });
});
