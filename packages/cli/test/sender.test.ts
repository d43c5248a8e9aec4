import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { createSender } from "../src/webhooks/sender.ts";

type Reply = { readonly status: number; readonly body?: object } | "hang up";
const ACCEPTED: Reply = { status: 200, body: { status: "accepted", deliveryId: "d1" } };

/** A receiver that answers with the given replies, one after the other, and keeps what came. */
async function receiver(replies: readonly Reply[]) {
  const received: { headers: IncomingMessage["headers"]; body: Buffer }[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const reply = replies[received.length] ?? ACCEPTED;
      received.push({ headers: request.headers, body });
      if (reply === "hang up") request.socket.destroy();
      else response.writeHead(reply.status).end(JSON.stringify(reply.body));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}/webhooks/icomply`), received, server };
}

function senderTo(url: URL, giveUpAfterMs = 60_000) {
  const secret = "whs_ef0dbc12345c418ab4a1cc4c888dea02";
  const sender = createSender({ url, secret, connections: 1, giveUpAfterMs });
  onTestFinished(() => sender.close());
  return sender;
}

test("a webhook is signed over its exact bytes", async () => {
  const { url, received } = await receiver([]);
  await senderTo(url).send(Buffer.from('{"id":"254"}'));
  expect(received[0]?.body.toString()).toBe('{"id":"254"}');
  expect(received[0]?.headers["abp-webhook-signature"]).toBe(
    "sha256=C2-A4-F3-F2-1A-88-A5-0B-73-20-17-0E-7E-90-E7-77-BC-A9-7F-F6-AD-24-26-06-E9-64-7D-31-3B-8E-7C-5B",
  );
});

test("what finds no answer, or an answer about the server, is sent again until it is accepted", async () => {
  const { url, received } = await receiver(["hang up", { status: 503 }, { status: 429 }]);
  const sent = await senderTo(url).send(Buffer.from("{}"));
  expect(sent).toEqual({ is: "accepted", deliveryId: "d1", retries: 3 });
  expect(received).toHaveLength(4);
});

test("what is refused is sent once, and says why", async () => {
  const body = { code: "unauthenticated", detail: "the signature is wrong" };
  const { url, received } = await receiver([{ status: 401, body }]);
  const sent = await senderTo(url).send(Buffer.from("{}"));
  expect(sent).toEqual({ is: "refused", why: "401 unauthenticated the signature is wrong", retries: 0 });
  expect(received).toHaveLength(1);
});

test("a 200 without a delivery id is no acceptance", async () => {
  const { url } = await receiver([{ status: 200, body: { hello: "world" } }]);
  expect(await senderTo(url).send(Buffer.from("{}"))).toMatchObject({ is: "refused" });
});

test("where nobody answers, it gives up and says what happened", async () => {
  const { url, server } = await receiver([]);
  server.close();
  await once(server, "close");
  const sent = await senderTo(url, 0).send(Buffer.from("{}"));
  expect(sent).toMatchObject({ is: "unanswered", retries: 0, why: expect.stringContaining("ECONNREFUSED") });
});
