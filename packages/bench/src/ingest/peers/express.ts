// Express with one transaction a request, on a pool of the default size.
import type { AddressInfo } from "node:net";
import express from "express";
import pg from "pg";
import type { Places } from "../../peers/peer.ts";
import { isSigned } from "../../peers/signature.ts";

export async function start({ databaseUrl, secret }: Places): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  await pool.query("create table inbox (id bigint generated always as identity primary key, body bytea)");
  const app = express();
  app.post(
    "/webhooks/icomply",
    express.raw({ type: () => true, limit: "1mb" }),
    async (request, response) => {
      const body = request.body as Buffer;
      if (!isSigned(body, request.get("abp-webhook-signature"), secret)) return response.sendStatus(401);
      const { rows } = await pool.query<{ id: string }>("insert into inbox (body) values ($1) returning id", [
        body,
      ]);
      return response.json({ status: "accepted", deliveryId: rows[0]?.id });
    },
  );
  return new Promise((resolve) => {
    const server = app.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
