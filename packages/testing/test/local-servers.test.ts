import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { startPostgres } from "@dossier/embedded";
import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { needs, startRedis } from "../src/index.ts";

async function sql(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

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

test("a Postgres killed and restarted has what was committed, at the same URL", async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const first = server.pid;
  await sql(server.url, "create table t as select 1 as n");
  await server.kill();
  expect(await takesConnections(server.port)).toBe(false);
  await server.restart();
  expect(server.pid).not.toBe(first);
  expect(await sql(server.url, "select n from t")).toEqual([{ n: 1 }]);
});

test("a Redis killed and restarted has what it was told, at the same URL", async (context) => {
  await needs(context, "redisServer");
  const server = await startRedis({ settings: { appendfsync: "always" } });
  onTestFinished(() => server.stop());
  expect(await redis(server.port, "SET k v")).toBe("+OK");
  await server.kill();
  expect(await takesConnections(server.port)).toBe(false);
  await server.restart();
  expect(await redis(server.port, "GET k")).toContain("v");
});

test("a frozen Postgres answers nobody, not even whom it knew, until it is let go", async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const known = new Client({ connectionString: server.url });
  await known.connect();

  await server.kill("SIGSTOP");
  const answers: unknown[] = [];
  const query = known.query("select 1 as n").then(({ rows }) => answers.push(...rows));
  const stranger = new Client({ connectionString: server.url, connectionTimeoutMillis: 300 });
  await expect(stranger.connect()).rejects.toThrow("timeout");
  expect(answers).toEqual([]);

  await server.kill("SIGCONT");
  await query;
  expect(answers).toEqual([{ n: 1 }]);
  await known.end();
});

test("a frozen server can be stopped", async () => {
  const server = await startPostgres();
  await server.kill("SIGSTOP");
  await server.stop();
  expect(await takesConnections(server.port)).toBe(false);
});

test("a server that cannot start says why", async (context) => {
  await needs(context, "redisServer");
  const taken = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void taken.close());
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  await expect(startRedis({ port })).rejects.toThrow("Address already in use");
  await expect(startPostgres({ port })).rejects.toThrow("Address already in use");
});

test("servers end with the process that started them, even if that is killed", async (context) => {
  await needs(context, "redisServer");
  const starter = spawn(process.execPath, [new URL("./fixtures/start-servers.ts", import.meta.url).pathname]);
  const [line] = (await once(starter.stdout, "data")) as [Buffer];
  const ports = JSON.parse(line.toString()) as number[];
  expect(await Promise.all(ports.map(takesConnections))).toEqual([true, true]);

  starter.kill("SIGKILL");
  await expect
    .poll(() => Promise.all(ports.map(takesConnections)), { timeout: 30_000 })
    .toEqual([false, false]);
});
