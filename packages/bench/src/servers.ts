import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { migrateQueue } from "@dossier/queue";
import { migrate, openPool, type Pool } from "@dossier/store";
import { startPostgres, startRedis, type LocalServer, type Scope } from "@dossier/testing";
import { Redis } from "ioredis";

export interface SeedOptions {
  /** The folder that keeps the data. */
  readonly data: string;
  /** Names what is in the folder: another name gets a folder of its own. */
  readonly name: string;
  seed(pool: Pool): Promise<void>;
}

/** Returns the URL of a service's login. */
export function loginOn(databaseUrl: string, service: "ingest" | "worker" | "console"): string {
  const login = new URL(databaseUrl);
  login.username = service;
  login.password = "a password for benchmarks";
  return login.href;
}

export interface Servers {
  readonly postgres: LocalServer;
  readonly redis: LocalServer;
  /** Creates an empty database, or one with our schema; replaces one of this name. Returns its URL. */
  createDatabase(name: string, schema: "empty" | "ours"): Promise<string>;
  clearRedis(): Promise<void>;
}

/** Starts an empty Postgres with the settings of `docker compose`, unless there is one, and an empty Redis. */
export async function startServers(scope: Scope, running?: LocalServer): Promise<Servers> {
  const postgres = running ?? (await startPostgres({ settings: SETTINGS }));
  if (running === undefined) scope.onTestFinished(() => postgres.stop());
  const redis = await startRedis();
  scope.onTestFinished(() => redis.stop());
  return {
    postgres,
    redis,
    async createDatabase(name, schema) {
      const pool = openPool(postgres.url, { name: "bench", size: 1, timeoutMs: 60_000 });
      await pool.query(`drop database if exists "${name}" with (force)`);
      await pool.query(`create database "${name}"`);
      await pool.end();
      const url = new URL(postgres.url);
      url.pathname = name;
      if (schema === "ours") {
        await migrate(url.href);
        await migrateQueue(url.href);
      }
      return url.href;
    },
    async clearRedis() {
      const client = new Redis(redis.url);
      await client.flushall();
      await client.quit();
    },
  };
}

const COMPOSE_FILE = join(import.meta.dirname, "../../../docker-compose.yml");

/** Those of `docker compose`; and whether commits say when they were made: the time from receipt to state ends with one. */
const SETTINGS = { ...readSettings(), track_commit_timestamp: "on" };

function readSettings(): Readonly<Record<string, string>> {
  const command = / command: postgres (.*)/.exec(readFileSync(COMPOSE_FILE, "utf8"))?.[1];
  if (command === undefined) throw new Error(`${COMPOSE_FILE} gives Postgres no settings`);
  return Object.fromEntries(
    Array.from(command.matchAll(/-c (\w+)=(\S+)/g), ([, name = "", value = ""]) => [name, value] as const),
  );
}

const FAST = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

/**
 * Starts a Postgres as `startServers` does, on data that `seed` has filled. Seeds anew what was not seeded to its end.
 * What the last run added is still there.
 */
export async function startSeeded({ data, name, seed }: SeedOptions): Promise<LocalServer> {
  const dir = join(resolve(data), name);
  const mark = `${dir}.seeded`;
  const isSeeded = existsSync(mark);
  if (!isSeeded) await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const postgres = await startPostgres({ dir, settings: SETTINGS });
  try {
    const logins = {
      ingest: loginOn(postgres.url, "ingest"),
      worker: loginOn(postgres.url, "worker"),
      console: loginOn(postgres.url, "console"),
    };
    const pool = openPool(postgres.url, { name: "bench", size: 4, timeoutMs: 3_600_000 });
    await migrate(postgres.url, logins);
    await migrateQueue(postgres.url);
    if (!isSeeded) {
      for (const [setting, value] of Object.entries(FAST))
        await pool.query(`alter system set ${setting} = '${value}'`);
      await pool.query("select pg_reload_conf()");
      const startedAt = performance.now();
      await seed(pool);
      process.stderr.write(`${name}: filled in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s\n`);
      for (const setting of Object.keys(FAST)) await pool.query(`alter system reset ${setting}`);
      await pool.query("checkpoint");
      await writeFile(mark, "");
    }
    await pool.end();
    // fsync may be set while it runs, and is reloaded too; a restart leaves no doubt.
    await postgres.restart();
    return postgres;
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
