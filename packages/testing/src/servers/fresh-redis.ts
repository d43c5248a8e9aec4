import { once } from "node:events";
import { connect } from "node:net";
import { config } from "../config.ts";
import { needs, sharedUrl, type Skippable } from "./needs.ts";

/**
 * An empty logical database of the run's shared Redis, which no other test file running at this time uses.
 * Skips the test where there is no Redis. Every call in one file gives the same database, emptied anew.
 * A test that sends FLUSHALL or stops Redis needs a server of its own: `startRedis`.
 */
export async function freshRedis(context: Skippable): Promise<string> {
  await needs(context, "redis");
  const url = new URL(await sharedUrl("redis"));
  const database = String(config.worker);
  await empty(url, database);
  url.pathname = database;
  return url.href;
}

async function empty(url: URL, database: string): Promise<void> {
  const socket = connect(Number(url.port || 6379), url.hostname);
  const login = url.password && `AUTH ${url.username || "default"} ${decodeURIComponent(url.password)}\r\n`;
  socket.write(`${login}SELECT ${database}\r\nFLUSHDB\r\nQUIT\r\n`);
  let answer = "";
  socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
  await once(socket, "close");
  if (answer.includes("-")) throw new Error(`Redis could not empty database ${database}: ${answer}`);
}
