import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { config, setTemporaryFolder } from "../config.ts";
import { postgresContainer, redisContainer } from "./docker.ts";
import { dropDatabases } from "./fresh-database.ts";
import { startPostgres, startRedis } from "./local.ts";
import type { Missing, Servers } from "./shared.ts";

/** Runs once for a whole vitest run. Returns what ends it. */
export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  if (await hasRoom(MEMORY)) setTemporaryFolder(MEMORY);
  const { servers, stop } = await findServers();
  for (const server of Object.values(servers)) {
    if (!("missing" in server)) continue;
    say(`!!! ${server.missing}: the tests that need it ${config.ci ? "FAIL" : "ARE SKIPPED"} !!!`);
  }
  const run = randomBytes(4).toString("hex");
  project.provide("servers", servers);
  project.provide("run", run);
  return async () => {
    if (config.databaseUrl !== undefined) await dropDatabases(config.databaseUrl, run);
    await stop();
  };
}

/** Where Linux keeps files in memory. Creating a database there takes a fifth of a disk's processor time, or less. */
const MEMORY = "/dev/shm";
const ROOM_BYTES = 2 * 1024 ** 3;

/** Whether the folder exists and has room for a run's temporary files. In a container it mostly has 64 MB. */
async function hasRoom(folder: string): Promise<boolean> {
  const stats = await statfs(folder).catch(() => undefined);
  return stats !== undefined && stats.bavail * stats.bsize >= ROOM_BYTES;
}

interface RunningServer {
  url: string;
  stop(): Promise<void>;
}

/** Tests' data need not survive a crash of the machine, and their passwords guard nothing. */
const POSTGRES_SETTINGS = {
  fsync: "off",
  full_page_writes: "off",
  max_connections: "400",
  scram_iterations: "1",
  // Databases live for seconds, and it would visit each.
  autovacuum: "off",
};

/** Has the password of its superuser hashed once, as later ones are: by default 4,096 times for each connection. */
async function withQuickPasswords(server: RunningServer): Promise<RunningServer> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  const password = decodeURIComponent(new URL(server.url).password);
  await client.query(`alter role current_user password ${client.escapeLiteral(password)}`);
  await client.end();
  return server;
}

const START: Record<"postgres" | "redis", Record<"docker" | "local", () => Promise<RunningServer>>> = {
  postgres: {
    docker: async () => withQuickPasswords(await postgresContainer(POSTGRES_SETTINGS)),
    local: async () => withQuickPasswords(await startPostgres({ settings: POSTGRES_SETTINGS })),
  },
  redis: {
    docker: () => redisContainer(),
    local: () => startRedis({ settings: { appendonly: "no" } }),
  },
};

/** Uses the servers whose URLs are given, and starts the others: in containers, else on this machine. */
async function findServers(): Promise<{ servers: Servers; stop(): Promise<void> }> {
  const started: RunningServer[] = [];

  async function find(
    kind: "postgres" | "redis",
    givenUrl: string | undefined,
  ): Promise<{ url: string } | Missing> {
    if (givenUrl !== undefined) return { url: givenUrl };
    const reasons: string[] = [];
    for (const source of config.sources) {
      try {
        const server = await START[kind][source]();
        started.push(server);
        say(`${kind} from ${source}${reasons.length > 0 ? ` (${reasons.join("; ")})` : ""}`);
        return { url: server.url };
      } catch (error) {
        reasons.push(`${source}: ${error instanceof Error ? error.message.trim() : String(error)}`);
      }
    }
    return { missing: `there is no ${kind} (${reasons.join("; ")})` };
  }

  const [postgres, redis, redisServer] = await Promise.all([
    find("postgres", config.databaseUrl),
    find("redis", config.redisUrl),
    findRedisServer(),
  ]);
  return {
    servers: { postgres, redis, redisServer },
    async stop() {
      await Promise.all(started.map((server) => server.stop()));
    },
  };
}

async function findRedisServer(): Promise<Servers["redisServer"]> {
  const command = "redis-server";
  try {
    await promisify(execFile)(command, ["--version"]);
    return { command };
  } catch {
    return { missing: `there is no ${command} on the PATH` };
  }
}

function say(line: string): void {
  process.stderr.write(`tests: ${line}\n`);
}
