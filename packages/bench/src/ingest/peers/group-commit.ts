// Hono, the signature, and a group commit of the bodies alone: a webhook is answered when it is stored.
import { groupCommit } from "@dossier/service";
import { Hono } from "hono";
import pg from "pg";
import type { Places } from "../../peers/peer.ts";
import { isSigned } from "../../peers/signature.ts";
import { listen } from "./hono.ts";

export async function start(
  { databaseUrl, secret }: Places,
  afterCommit?: (ids: readonly string[]) => Promise<unknown>,
): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  await pool.query("create table inbox (id bigint generated always as identity primary key, body bytea)");
  const commits = groupCommit(
    async (bodies: readonly Buffer[]) => {
      const { rows } = await pool.query<{ id: string }>({
        name: "insert",
        text: `insert into inbox (body)
          select substring($1::bytea from start for length) from unnest($2::integer[], $3::integer[]) as _ (start, length)
          returning id`,
        values: [Buffer.concat(bodies), bodies.map(sumBefore(1)), bodies.map(({ length }) => length)],
      });
      const ids = rows.map(({ id }) => id);
      await afterCommit?.(ids);
      return ids;
    },
    { weigh: ({ length }) => length, maxFlush: 4 * 1024 * 1024, maxWaiting: 128 * 1024 * 1024 },
  );
  const app = new Hono().post("/webhooks/icomply", async (c) => {
    const body = Buffer.from(await c.req.arrayBuffer());
    if (!isSigned(body, c.req.header("abp-webhook-signature"), secret)) return c.text("no", 401);
    return c.json({ status: "accepted", deliveryId: await commits.submit(body) });
  });
  return listen(app);
}

/** Returns the start of each body in their concatenation. */
function sumBefore(sum: number): (body: Buffer) => number {
  return ({ length }) => (sum += length) - length;
}
