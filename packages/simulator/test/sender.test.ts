import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import {
  createSender,
  documentedEvents,
  samples,
  sign,
  type Payload,
  type SendFailure,
  type SenderOptions,
} from "../src/index.ts";

const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";
const BODY = Buffer.from('{"id":"254"}');
const SIGNATURE =
  "sha256=C2-A4-F3-F2-1A-88-A5-0B-73-20-17-0E-7E-90-E7-77-BC-A9-7F-F6-AD-24-26-06-E9-64-7D-31-3B-8E-7C-5B";

type Answer = { readonly status: number; readonly body?: object } | "hang up" | "silence";
const ACCEPTED: Answer = { status: 200, body: { status: "accepted", deliveryId: "d1" } };

/** Starts a receiver that returns the given answers, one after the other, and keeps what it received. */
async function startReceiver(answers: readonly Answer[]) {
  const received: { headers: IncomingMessage["headers"]; body: Buffer }[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const answer = answers[received.length] ?? ACCEPTED;
      received.push({ headers: request.headers, body });
      if (answer === "hang up") request.socket.destroy();
      else if (answer !== "silence") response.writeHead(answer.status).end(JSON.stringify(answer.body));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}/webhooks/icomply`), received, server };
}

function senderTo(urls: readonly URL[], options: Partial<SenderOptions> = {}) {
  const retry = { retries: 5, minTimeout: 10 };
  const sender = createSender({ urls, secret: SECRET, connections: 1, retry, ...options });
  onTestFinished(() => sender.close());
  return sender;
}

test("a signature is as iComply writes it", () => {
  expect(sign(BODY.toString(), SECRET)).toBe(SIGNATURE);
  expect(sign(BODY, SECRET)).toBe(SIGNATURE);
});

test("a webhook is signed over its exact bytes", async () => {
  const { url, received } = await startReceiver([]);
  await senderTo([url]).send(BODY);
  expect(received[0]?.body).toEqual(BODY);
  expect(received[0]?.headers["abp-webhook-signature"]).toBe(SIGNATURE);
});

test("a webhook without an answer, or with one about the server, is sent until it is accepted", async () => {
  const { url, received } = await startReceiver(["hang up", { status: 503 }, { status: 429 }]);
  const failures: (number | undefined)[] = [];
  const onFailure = ({ status }: SendFailure) => void failures.push(status);
  expect(await senderTo([url], { onFailure }).send(BODY)).toEqual({
    kind: "accepted",
    deliveryId: "d1",
    retries: 3,
  });
  expect(received).toHaveLength(4);
  expect(failures).toEqual([undefined, 503, 429]);
});

test("a webhook that is refused is sent once, and the result says why", async () => {
  const body = { code: "unauthenticated", detail: "the signature is wrong" };
  const { url, received } = await startReceiver([{ status: 401, body }]);
  expect(await senderTo([url]).send(BODY)).toEqual({
    kind: "refused",
    error: "401 unauthenticated the signature is wrong",
    retries: 0,
  });
  expect(received).toHaveLength(1);
});

test("a 200 without a delivery id does not accept a webhook", async () => {
  const { url } = await startReceiver([{ status: 200, body: { hello: "world" } }]);
  expect(await senderTo([url]).send(BODY)).toMatchObject({ kind: "refused" });
});

test("when no retry is left, the result says what happened last", async () => {
  const { url, server } = await startReceiver([]);
  server.close();
  await once(server, "close");
  expect(await senderTo([url], { retry: { retries: 1, minTimeout: 10 } }).send(BODY)).toMatchObject({
    kind: "unanswered",
    retries: 1,
    error: expect.stringContaining("ECONNREFUSED") as string,
  });
});

test("an answer that takes too long is none", async () => {
  const { url } = await startReceiver(["silence"]);
  expect(await senderTo([url], { timeoutMs: 50, retry: { retries: 0 } }).send(BODY)).toMatchObject({
    kind: "unanswered",
    error: "no answer within 50 ms",
  });
});

test("requests go to the given addresses in turn", async () => {
  const [one, other] = [await startReceiver([{ status: 503 }]), await startReceiver([])];
  const sender = senderTo([one.url, other.url]);
  expect(await sender.send(BODY)).toMatchObject({ kind: "accepted", retries: 1 });
  await sender.send(BODY);
  expect([one.received.length, other.received.length]).toEqual([2, 1]);
});

test("a webhook that waits for a retry is given up when the sender is closed", async () => {
  const { url, received } = await startReceiver([{ status: 503 }]);
  const failed = Promise.withResolvers<void>();
  const sender = senderTo([url], {
    retry: { retries: 1, minTimeout: 600_000 },
    onFailure: () => failed.resolve(),
  });
  const result = sender.send(BODY);
  await failed.promise;
  sender.close();
  expect(await result).toMatchObject({ kind: "unanswered", error: "the sender is closed" });
  expect(received).toHaveLength(1);
});

test("there is one sample of each documented event, named by its eventType", () => {
  const payloads = samples().map(({ body }) => JSON.parse(body.toString()) as Payload);
  expect(payloads.map(({ event }) => event)).toEqual(documentedEvents);
  expect(payloads.map(({ eventType }) => `${eventType}.json`)).toEqual(samples().map(({ name }) => name));
});
