// Express that applies each webhook in a transaction, and then answers.
import type { AddressInfo } from "node:net";
import express from "express";
import pg from "pg";
import type { Places } from "../peers/peer.ts";
import { applyWebhooks, parse, TABLES, type Payload } from "../peers/persons.ts";
import { isSigned } from "../peers/signature.ts";
import { transaction } from "../peers/transaction.ts";

export async function start(
  { databaseUrl, secret }: Places,
  onSettled: (deliveries: number) => void,
): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  await pool.query(TABLES);
  return serveWebhooks(secret, async (payload) => {
    await transaction(pool, (client) =>
      applyWebhooks((text, values) => client.query(text, values), [payload]),
    );
    onSettled(1);
  });
}

/** Serves webhooks with Express: answers when a webhook is handled. Returns the port. */
export function serveWebhooks(
  secret: string,
  handle: (payload: Payload) => Promise<unknown>,
): Promise<number> {
  const app = express();
  app.post(
    "/webhooks/icomply",
    express.raw({ type: () => true, limit: "1mb" }),
    async (request, response) => {
      const body = request.body as Buffer;
      if (!isSigned(body, request.get("abp-webhook-signature"), secret)) return response.sendStatus(401);
      await handle(parse(body));
      return response.json({ status: "accepted" });
    },
  );
  return new Promise((resolve) => {
    const server = app.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
