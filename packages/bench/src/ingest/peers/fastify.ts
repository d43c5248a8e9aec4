// Fastify with one transaction a request, on a pool of the default size.
import fastify from "fastify";
import pg from "pg";
import type { Places } from "../../peers/peer.ts";
import { isSigned } from "../../peers/signature.ts";

export async function start({ databaseUrl, secret }: Places): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  await pool.query("create table inbox (id bigint generated always as identity primary key, body bytea)");
  const app = fastify();
  // The signature is of the bytes.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.post<{ Body: Buffer; Headers: { "abp-webhook-signature"?: string } }>(
    "/webhooks/icomply",
    async ({ body, headers }, reply) => {
      if (!isSigned(body, headers["abp-webhook-signature"], secret)) return reply.code(401).send();
      const { rows } = await pool.query<{ id: string }>("insert into inbox (body) values ($1) returning id", [
        body,
      ]);
      return { status: "accepted", deliveryId: rows[0]?.id };
    },
  );
  return Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port);
}
