import { once } from "node:events";
import { connect } from "node:net";
import { inject } from "vitest";
import { config } from "../config.ts";

/** Why a server is not available. */
export interface Missing {
  missing: string;
}

/** The servers that all tests of a run share. */
export type Servers = {
  postgres: { url: string } | Missing;
  redis: { url: string } | Missing;
  /** The `redis-server` command, for tests that start a Redis of their own. */
  redisServer: { command: string } | Missing;
};

declare module "vitest" {
  interface ProvidedContext {
    servers: Servers;
    /** Part of the names of this run's databases. */
    run: string;
  }
}

/** The part of a test's context that `needs` uses. */
export interface Skippable {
  skip(note: string): never;
}

/**
 * Skips the calling test, with the reason, if there is no such server. With `CI=true` the test fails instead. For tests
 * that start a server of their own; `freshRedis` calls it itself.
 */
export function needs(context: Skippable, server: keyof Servers): void {
  const found = inject("servers")[server];
  if (!("missing" in found)) return;
  if (config.ci) throw new Error(found.missing);
  context.skip(found.missing);
}

/** Returns the URL of a server that all tests of this run share. */
export function sharedUrl(server: "postgres" | "redis"): string {
  const found = inject("servers")[server];
  if ("missing" in found) throw new Error(found.missing);
  return found.url;
}

/**
 * Empties a logical database of the shared Redis that no other test file uses at this time, and returns its URL: in one
 * file always the same. Skips the test if there is no Redis. A test that sends FLUSHALL or stops Redis needs a server of
 * its own, from `startRedis`.
 */
export async function freshRedis(context: Skippable): Promise<string> {
  needs(context, "redis");
  const url = new URL(sharedUrl("redis"));
  const database = String(config.worker);
  await flush(url, database);
  url.pathname = database;
  return url.href;
}

async function flush(url: URL, database: string): Promise<void> {
  const socket = connect(Number(url.port || 6379), url.hostname);
  const login = url.password && `AUTH ${url.username || "default"} ${decodeURIComponent(url.password)}\r\n`;
  socket.write(`${login}SELECT ${database}\r\nFLUSHDB\r\nQUIT\r\n`);
  let answer = "";
  socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
  await once(socket, "close");
  if (answer.includes("-")) throw new Error(`Redis could not empty database ${database}: ${answer}`);
}
