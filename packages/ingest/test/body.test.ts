import { payload, sign } from "@dossier/simulator";
import { describe, expect, test } from "vitest";
import { ingest, SECRET, sharedIngest } from "./harness.ts";
import { chunkedBody, exchange, openSocket, readAnswer, requestHead, type Answer } from "./http.ts";

const MIB = 1024 * 1024;
const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));

describe("a body", () => {
  test("of exactly the limit is accepted; one byte more is too large and not recorded", async (context) => {
    const { post, rows } = await ingest(context);
    expect((await post(Buffer.alloc(MIB, "a"))).status).toBe(200);
    const { status, headers, json } = await post(Buffer.alloc(MIB + 1, "a"));
    expect([status, json["code"], headers["connection"]]).toEqual([413, "too-large", "close"]);
    expect(await rows()).toHaveLength(1);
  });

  test("in chunks is counted as it arrives, and recorded completely", async (context) => {
    const { port, rows } = await ingest(context);
    const quarter = Buffer.alloc(MIB / 4, "a");
    const whole = [quarter, quarter, quarter, quarter];
    expect((await postChunks(port, whole)).status).toBe(200);
    const tooLong = await postChunks(port, [...whole, Buffer.from("a")]);
    expect([tooLong.status, tooLong.json["code"]]).toEqual([413, "too-large"]);
    expect((await rows()).map(({ body }) => body.length)).toEqual([MIB]);
  });

  test("in endless chunks is rejected as soon as it is too large", async (context) => {
    const { port, rows } = await ingest(context);
    const socket = await openSocket(port);
    const answer = readAnswer(socket);
    socket.write(
      requestHead({
        method: "POST",
        path: "/webhooks/icomply",
        contentLength: null,
        headers: { "transfer-encoding": "chunked" },
      }),
    );
    socket.write(chunkedBody([Buffer.alloc(MIB), Buffer.from("a")], false));
    expect((await answer).status).toBe(413);
    expect(await rows()).toEqual([]);
  });

  test("in one-byte chunks is accepted if they are some thousands", async (context) => {
    const { port, rows } = await ingest(context);
    const chunks = Array.from(Buffer.from(`${BODY}${" ".repeat(4_096 - BODY.length)}`), (byte) =>
      Buffer.of(byte),
    );
    expect((await postChunks(port, chunks)).status).toBe(200);
    expect((await rows()).map(({ body }) => body)).toEqual([Buffer.concat(chunks)]);
  });

  test("in chunks that cost more than their bytes is rejected, and its connection is closed", async (context) => {
    const { port, rows } = await ingest(context);
    const chunks = Array.from({ length: 5_000 }, () => Buffer.from("x"));
    const { status, json, headers } = await postChunks(port, chunks);
    expect([status, json["code"], headers["connection"]]).toEqual([400, "too-many-chunks", "close"]);
    expect(await rows()).toEqual([]);
  });

  test("that is declared too large is rejected before any of it arrives", async (context) => {
    const { port } = await ingest(context);
    const socket = await openSocket(port);
    const answer = readAnswer(socket);
    socket.write(requestHead({ method: "POST", path: "/webhooks/icomply", contentLength: String(MIB + 1) }));
    expect((await answer).status).toBe(413);
  });

  test.for([
    ["shorter than declared", "11", "x"],
    ["shorter than declared by a lot", "1000000", BODY],
  ] as const)(
    "that is %s is not recorded, and disturbs no other webhook",
    async ([_case, contentLength, body], context) => {
      const { port, post, rows, lines } = await ingest(context);
      const socket = await openSocket(port);
      socket.end(
        requestHead({
          method: "POST",
          path: "/webhooks/icomply",
          contentLength,
          headers: { "abp-webhook-signature": sign(body, SECRET) },
        }) + body,
      );
      await readAnswer(socket).catch(() => undefined);
      expect((await post(BODY)).status).toBe(200);
      expect(await rows()).toHaveLength(1);
      expect(lines().filter(({ level }) => level === "error")).toEqual([]);
    },
  );
});

describe("a request", () => {
  const shared = sharedIngest();

  test.for([
    ["a length that is not a number", { "content-length": "ten" }],
    ["a negative length", { "content-length": "-1" }],
    ["a length and chunks", { "content-length": "4", "transfer-encoding": "chunked" }],
    ["an unknown transfer encoding", { "transfer-encoding": "gzip" }],
    ["malformed chunks", { "transfer-encoding": "chunked" }],
  ] as const)("with %s is a bad request", async ([_case, headers]) => {
    const { port, rows } = shared();
    const answer = await exchange(port, {
      method: "POST",
      path: "/webhooks/icomply",
      body: BODY,
      contentLength: null,
      headers: { "abp-webhook-signature": sign(BODY, SECRET), ...headers },
    });
    expect(answer.status).toBe(400);
    expect(await rows()).toEqual([]);
  });
});

function postChunks(port: number, chunks: readonly Uint8Array[]): Promise<Answer> {
  return exchange(port, {
    method: "POST",
    path: "/webhooks/icomply",
    body: chunkedBody(chunks),
    contentLength: null,
    headers: {
      "transfer-encoding": "chunked",
      "abp-webhook-signature": sign(Buffer.concat(chunks), SECRET),
    },
  });
}
