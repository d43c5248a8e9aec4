import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { needs, startRedis, waitFor } from "../src/index.ts";

async function redis(port: number, command: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.write(`${command}\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  return answer.toString().trim();
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test("a Redis killed and restarted has what was written, at the same URL", async (context) => {
  needs(context, "redisServer");
  const server = await startRedis({ settings: { appendfsync: "always" } });
  onTestFinished(() => server.stop());
  expect(await redis(server.port, "SET k v")).toBe("+OK");
  await server.kill();
  expect(await takesConnections(server.port)).toBe(false);
  await server.restart();
  expect(await redis(server.port, "GET k")).toContain("v");
});

test("a Redis that cannot start says why", async (context) => {
  needs(context, "redisServer");
  const taken = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void taken.close());
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  await expect(startRedis({ port })).rejects.toThrow("Address already in use");
});

test("servers end with the process that started them, even if that is killed", async (context) => {
  needs(context, "redisServer");
  const starter = spawn(process.execPath, [new URL("./fixtures/start-servers.ts", import.meta.url).pathname]);
  const [line] = (await once(starter.stdout, "data")) as [Buffer];
  const ports = JSON.parse(line.toString()) as number[];
  expect(await Promise.all(ports.map(takesConnections))).toEqual([true, true]);

  starter.kill("SIGKILL");
  await waitFor(
    () => Promise.all(ports.map(takesConnections)),
    (taken) => expect(taken).toEqual([false, false]),
  );
});
