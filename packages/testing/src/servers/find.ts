import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { config } from "../config.ts";
import { postgresContainer, redisContainer } from "./docker.ts";
import { startPostgres, startRedis } from "./local.ts";

interface Missing {
  /** Why it is not at hand. */
  missing: string;
}

export type Servers = {
  postgres: { url: string } | Missing;
  redis: { url: string } | Missing;
  /** The `redis-server` command, for tests that start a Redis of their own. */
  redisServer: { command: string } | Missing;
};

interface Running {
  url: string;
  stop(): Promise<void>;
}

type Source = "docker" | "local";

/** Postgres need not survive this machine's end here, as it must everywhere else. */
const POSTGRES = { fsync: "off", full_page_writes: "off", max_connections: "400" };

const START: Record<"postgres" | "redis", Record<Source, () => Promise<Running>>> = {
  postgres: {
    docker: () => postgresContainer(POSTGRES),
    local: () => startPostgres({ settings: POSTGRES }),
  },
  redis: {
    docker: () => redisContainer(),
    local: () => startRedis({ settings: { appendonly: "no" } }),
  },
};

/** Finds or starts the servers that all tests of a run share: given URLs, else Docker, else this machine. */
export async function findServers(): Promise<{ servers: Servers; stop(): Promise<void> }> {
  const running: Running[] = [];

  async function find(
    kind: "postgres" | "redis",
    given: string | undefined,
  ): Promise<{ url: string } | Missing> {
    if (given !== undefined) return { url: given };
    const reasons: string[] = [];
    for (const source of config.sources) {
      try {
        const server = await START[kind][source]();
        running.push(server);
        say(`${kind} from ${source}${reasons.length > 0 ? ` (${reasons.join("; ")})` : ""}`);
        return { url: server.url };
      } catch (error) {
        reasons.push(`${source}: ${error instanceof Error ? error.message.trim() : String(error)}`);
      }
    }
    return { missing: `no ${kind} at hand (${reasons.join("; ")})` };
  }

  const [postgres, redis, redisServer] = await Promise.all([
    find("postgres", config.databaseUrl),
    find("redis", config.redisUrl),
    findRedisServer(),
  ]);
  return {
    servers: { postgres, redis, redisServer },
    async stop() {
      await Promise.all(running.map((server) => server.stop()));
    },
  };
}

async function findRedisServer(): Promise<Servers["redisServer"]> {
  const command = "redis-server";
  try {
    await promisify(execFile)(command, ["--version"]);
    return { command };
  } catch {
    return { missing: `no ${command} on the PATH` };
  }
}

export function say(line: string): void {
  process.stderr.write(`tests: ${line}\n`);
}
