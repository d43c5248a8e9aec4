import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startPostgres, type LocalServer, type PostgresOptions } from "../src/index.ts";

const PASSWORD = "p@ss/wörd";
let cache: string;
beforeAll(async () => {
  cache = await folder("cache");
});
afterAll(() => rm(cache, { recursive: true }));

function folder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `dossier-test-${name}-`));
}

/** Returns the path of a folder that does not exist yet, in a new one that only this user, or that all, can search. */
async function newFolder({ name = "server", mode = 0o711 } = {}): Promise<string> {
  const parent = await folder("data");
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  await chmod(parent, mode);
  return join(parent, name);
}

async function started(options: PostgresOptions = {}): Promise<LocalServer> {
  const server = await startPostgres({ password: PASSWORD, cache, ...options });
  onTestFinished(() => server.stop());
  return server;
}

async function connected(url: string, timeoutMs = 0): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: timeoutMs });
  // The server may be killed while the client is connected.
  client.on("error", () => undefined);
  onTestFinished(() => client.end());
  await client.connect();
  return client;
}

async function sql(url: string, statement: string): Promise<unknown[]> {
  return (await (await connected(url)).query(statement)).rows;
}

test("a server accepts no connection without the password", async () => {
  const server = await started();
  for (const password of ["", "wrong"]) {
    const url = Object.assign(new URL(server.url), { password });
    await expect(sql(url.href, "select 1")).rejects.toThrow("password");
  }
  expect(await sql(server.url, "select current_user as name")).toEqual([{ name: "postgres" }]);
});

test("a server without a chosen password has a random one", async () => {
  const server = await started({ password: undefined as never, cache: undefined as never });
  expect(new URL(server.url).password).toMatch(/^[0-9a-f]{32}$/);
  expect(await sql(server.url, "select 1 as n")).toEqual([{ n: 1 }]);
});

test("only the server's user can access the folder, and the password is in no file", async () => {
  const server = await started({ dir: await newFolder() });
  const about = await stat(server.dir);
  expect(about.mode & 0o777).toBe(0o700);
  expect(about.uid).toBe((await stat(join(server.dir, "data"))).uid);
  expect(await readdir(server.dir)).toEqual(["data"]);
});

test("a server that root starts under a private folder has none of root's capabilities", async (context) => {
  context.skip(
    process.getuid?.() !== 0 || process.platform !== "linux",
    "only root on Linux has another user's server",
  );
  const dir = await newFolder({ mode: 0o700 });
  const first = await started({ dir });
  const kept = await realpath(dir);
  onTestFinished(() => rm(kept, { recursive: true, force: true }));
  const status = await readFile(`/proc/${first.pid}/status`, "utf8");
  expect(status.match(/^Cap(?:Prm|Eff|Amb):\s+\w+$/gm)).toEqual(
    ["CapPrm", "CapEff", "CapAmb"].map((name) => `${name}:\t${"0".repeat(16)}`),
  );
  expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(String((await stat(kept)).uid));

  await sql(first.url, "create table t as select 1 as n");
  await first.stop();
  expect(await sql((await started({ dir })).url, "select n from t")).toEqual([{ n: 1 }]);
});

test("a private folder of root's that has files is refused, with its path and what to do", async (context) => {
  context.skip(process.getuid?.() !== 0, "only root has another user's server");
  const dir = await newFolder({ mode: 0o700 });
  await mkdir(dir);
  await writeFile(join(dir, "file"), "");
  await expect(started({ dir })).rejects.toThrow(`cannot reach ${dir}`);
  expect(await readdir(dir)).toEqual(["file"]);
});

test("a folder whose path has quotes, dollars and blanks works", async () => {
  const server = await started({ dir: await newFolder({ name: `it's "a" $HOME \`folder\`` }) });
  expect(await sql(server.url, "select 1 as n")).toEqual([{ n: 1 }]);
});

test("the log is beside the folder, where the server's user cannot replace it", async () => {
  const { dir } = await started({ dir: await newFolder() });
  const about = await stat(`${dir}.log`);
  expect([about.uid, about.mode & 0o777]).toEqual([process.getuid?.(), 0o600]);
});

test("a chosen folder is kept with its data", async () => {
  const dir = await newFolder();
  const first = await started({ dir });
  await sql(first.url, "create table t as select 1 as n");
  await first.stop();
  const second = await started({ dir });
  expect(await sql(second.url, "select n from t")).toEqual([{ n: 1 }]);
});

test("a server that is killed and restarted keeps committed data and its URL", async () => {
  const server = await started();
  const first = server.pid;
  await sql(server.url, "create table t as select 1 as n");
  await server.kill();
  await expect(sql(server.url, "select 1")).rejects.toThrow("ECONNREFUSED");
  await server.restart();
  expect(server.pid).not.toBe(first);
  expect(await sql(server.url, "select n from t")).toEqual([{ n: 1 }]);
});

test("a frozen server answers neither open nor new connections until it is resumed", async () => {
  const server = await started();
  const known = await connected(server.url);

  await server.kill("SIGSTOP");
  const answers: unknown[] = [];
  const query = known.query("select 1 as n").then(({ rows }) => answers.push(...rows));
  await expect(connected(server.url, 300)).rejects.toThrow("timeout");
  expect(answers).toEqual([]);

  await server.kill("SIGCONT");
  await query;
  expect(answers).toEqual([{ n: 1 }]);
});

test("a frozen server can be stopped", async () => {
  const server = await started();
  await server.kill("SIGSTOP");
  await server.stop();
  await expect(sql(server.url, "select 1")).rejects.toThrow("ECONNREFUSED");
});

test("a server that cannot start says why", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void taken.close());
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  await expect(started({ port })).rejects.toThrow("Address already in use");
});

test("the terminal's Ctrl-C does not reach a server, which has its own process group", async (context) => {
  context.skip(process.platform !== "linux", "only Linux has /proc");
  const { pid } = await started();
  const stats = await readFile(`/proc/${pid}/stat`, "utf8");
  expect(stats.split(") ")[1]?.split(" ")[2]).toBe(String(pid));
});

test("a server that was left running is stopped, and its data are recovered", async () => {
  const dir = await newFolder();
  const left = await started({ dir });
  await sql(left.url, "create table t as select 1 as n");
  const server = await started({ dir });
  await expect(sql(left.url, "select 1")).rejects.toThrow("ECONNREFUSED");
  expect(await sql(server.url, "select n from t")).toEqual([{ n: 1 }]);
});

test("a program that has the process id of a killed server is not stopped", async () => {
  const dir = await newFolder();
  const killed = await started({ dir });
  await killed.kill();
  const { uid, gid } = await stat(dir);
  const other = spawn("sleep", ["600"], { uid, gid });
  onTestFinished(() => void other.kill());
  const lock = join(dir, "data", "postmaster.pid");
  const [, ...lines] = (await readFile(lock, "utf8")).split("\n");
  await writeFile(lock, [other.pid, ...lines].join("\n"));

  const server = await started({ dir });
  expect(await sql(server.url, "select 1 as n")).toEqual([{ n: 1 }]);
  expect(other.exitCode ?? other.signalCode).toBeNull();
});
