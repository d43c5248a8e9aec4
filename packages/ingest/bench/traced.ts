// A server of webhooks.ts: ingest that traces, with a collector in a process of its own.
//
//   node bootstrap.mjs node packages/ingest/bench/webhooks.ts --servers ./ingest.ts,./traced.ts
import { spawn } from "node:child_process";
import { once } from "node:events";
import { start as startIngest } from "./ingest.ts";
import type { Places } from "./webhooks.ts";

const COLLECTOR = `
  const { createServer } = require("node:http");
  const server = createServer((request, response) => request.resume().once("end", () => response.end("{}")));
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
  process.stdin.resume().once("end", () => process.exit());`;

export async function start(places: Places): Promise<number> {
  const { stdout } = spawn(process.execPath, ["--eval", COLLECTOR], { stdio: ["pipe", "pipe", "inherit"] });
  const [port] = (await once(stdout, "data")) as [Buffer];
  return startIngest(places, `http://127.0.0.1:${Number(String(port))}`);
}
