// Hono alone: reads the body, and answers.
import { serve } from "@hono/node-server";
import { Hono } from "hono";

export function start(): Promise<number> {
  const app = new Hono().post("/webhooks/icomply", async (c) => {
    await c.req.arrayBuffer();
    return c.json({ status: "accepted", deliveryId: "0" });
  });
  return listen(app);
}

/** Returns the port. */
export function listen({ fetch }: Hono): Promise<number> {
  return new Promise((resolve) =>
    serve({ fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve(port)),
  );
}
