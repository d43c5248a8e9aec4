// The limit of what ingest's parts allow: Hono, a signature, a group commit of the body alone, and one job for each commit.
import { openQueue } from "@dossier/queue";
import { groupCommit, serve } from "@dossier/service";
import { openPool } from "@dossier/store";
import { Hono } from "hono";
import { verify } from "../src/verify.ts";
import type { Places } from "./webhooks.ts";

/** Starts the limit. Returns its port. */
export async function start({ postgresUrl, redisUrl, secret }: Places): Promise<number> {
  const pool = openPool(postgresUrl, { name: "limit", size: 1 });
  await pool.query("create table inbox (id bigint generated always as identity primary key, body bytea)");
  const location = { redisUrl, installationId: () => Promise.resolve("limit") };
  const queue = openQueue(location, { name: "limit", onError: () => undefined });
  const commits = groupCommit(
    async (bodies: readonly Buffer[]) => {
      const { rows } = await pool.query<{ id: bigint }>({
        name: "insert",
        text: `insert into inbox (body)
          select substring($1::bytea from start for length) from unnest($2::integer[], $3::integer[]) as _ (start, length)
          returning id`,
        values: [Buffer.concat(bodies), bodies.map(sumBefore(1)), bodies.map(({ length }) => length)],
      });
      const ids = rows.map(({ id }) => String(id));
      await queue.enqueue(ids);
      return ids;
    },
    { weigh: ({ length }) => length, maxFlush: 4 * 1024 * 1024, maxWaiting: 128 * 1024 * 1024 },
  );
  const app = new Hono().post("/webhooks/icomply", async (c) => {
    const body = Buffer.from(await c.req.arrayBuffer());
    if (!verify(body, c.req.header("abp-webhook-signature"), [secret]).ok) return c.text("no", 401);
    return c.json({ status: "accepted", deliveryId: await commits.submit(body) });
  });
  const server = await serve(app, { port: 0, host: "127.0.0.1" });
  if (!server.ok) throw new Error(server.error);
  return server.value.port;
}

/** Returns the start of each body in their concatenation. */
function sumBefore(sum: number): (body: Buffer) => number {
  return ({ length }) => (sum += length) - length;
}
