import { payload, sign } from "@dossier/simulator";
import { describe, expect, test } from "vitest";
import { fingerprint } from "../src/verify.ts";
import { ingest, OTHER_SECRET, SECRET, sharedIngest } from "./harness.ts";
import { exchange } from "./http.ts";

const MIB = 1024 * 1024;
const BODY = JSON.stringify(payload({ event: "NaturalPersonPending" }));
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("an authentic webhook", () => {
  test("is answered exactly 200 with the id under which its exact bytes are recorded", async (context) => {
    const { post, rows } = await ingest(context);
    const { status, headers, json } = await post(BODY);
    expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
    expect(json).toEqual({ status: "accepted", deliveryId: expect.stringMatching(UUID_V7) });
    expect(await rows()).toEqual([
      expect.objectContaining({
        delivery_id: json["deliveryId"],
        body: Buffer.from(BODY),
        verified_by: "signature",
        secret_fingerprint: fingerprint(SECRET),
      }),
    ]);
  });

  test("may be signed with any of the secrets; its row says with which", async (context) => {
    const { post, rows } = await ingest(context, { ICOMPLY_WEBHOOK_SECRETS: [OTHER_SECRET, SECRET] });
    expect((await post(BODY, SECRET)).status).toBe(200);
    expect((await post(BODY, OTHER_SECRET)).status).toBe(200);
    expect((await rows()).map(({ secret_fingerprint }) => secret_fingerprint)).toEqual([
      fingerprint(SECRET),
      fingerprint(OTHER_SECRET),
    ]);
  });

  test("may carry its secret in the payload instead, where it is not recorded", async (context) => {
    const { send, rows } = await ingest(context);
    const body = (secret: string) => `{"id":"1","secret":"${secret}", "x":"\\u00e9"}`;
    const escaped = SECRET.replace("w", "\\u0077");
    for (const secret of [SECRET, escaped]) expect((await send(body(secret))).status).toBe(200);
    const recorded = await rows();
    expect(recorded.map((row) => row.body.toString())).toEqual([
      body("*".repeat(SECRET.length)),
      body("*".repeat(escaped.length)),
    ]);
    for (const row of recorded) {
      expect(row).toMatchObject({ verified_by: "payload-secret", secret_fingerprint: fingerprint(SECRET) });
      expect(JSON.stringify({ ...row, body: row.body.toString() })).not.toContain(SECRET.slice(4));
    }
  });

  test("is accepted even if its bytes cannot be parsed, so that an operator sees it", async (context) => {
    const { post, rows } = await ingest(context);
    const bodies = [
      Buffer.from([0xff, 0xfe, 0x00, 0x80]),
      Buffer.alloc(0),
      Buffer.from("{"),
      Buffer.from("[".repeat(10_000)),
      Buffer.alloc(MIB, "x"),
    ];
    for (const body of bodies) expect((await post(body)).status).toBe(200);
    expect((await rows()).map(({ body }) => body)).toEqual(bodies);
  });

  test("is recorded with the headers that are evidence, and no other", async (context) => {
    const { send, rows } = await ingest(context);
    const evidence = {
      "abp-webhook-signature": sign(BODY, SECRET),
      "content-type": "application/json; charset=utf-8",
      "user-agent": "iComply é",
      "x-forwarded-for": "192.0.2.1",
    };
    const latin1 = Object.fromEntries(
      Object.entries(evidence).map(([name, value]) => [
        name,
        Buffer.from(value, "latin1").toString("latin1"),
      ]),
    );
    await send(BODY, { ...latin1, authorization: "Bearer x", cookie: "session=x" });
    const [row] = await rows();
    expect(JSON.parse(row?.headers ?? "")).toEqual(evidence);
  });
});

describe("a request that is not an authentic webhook", () => {
  const shared = sharedIngest();
  const bodyWithSecret = JSON.stringify({ secret: SECRET });
  test.for([
    ["neither a signature nor a secret", BODY, {}],
    ["a signature by another secret", BODY, { "abp-webhook-signature": sign(BODY, OTHER_SECRET) }],
    ["a signature of other bytes", BODY, { "abp-webhook-signature": sign(`${BODY} `, SECRET) }],
    [
      "a wrong signature beside the right secret",
      bodyWithSecret,
      { "abp-webhook-signature": sign(BODY, SECRET) },
    ],
    ["an empty signature beside the right secret", bodyWithSecret, { "abp-webhook-signature": "" }],
    ["a malformed signature", BODY, { "abp-webhook-signature": "sha256=me" }],
    ["another secret in the payload", JSON.stringify({ secret: OTHER_SECRET }), {}],
    ["an empty body", "", {}],
  ] as const)("%s is answered 401, and nothing is recorded", async ([_case, body, headers]) => {
    const { send, rows } = shared();
    const answer = await send(body, headers);
    expect([answer.status, answer.headers["content-type"]]).toEqual([401, "application/problem+json"]);
    expect(answer.json).toEqual({
      title: "Unauthorized",
      status: 401,
      code: "unauthenticated",
      detail: expect.any(String),
    });
    expect(answer.text).not.toContain("whs_");
    expect(await rows()).toEqual([]);
  });

  test.for(["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])(
    "%s is answered 405 and the method that is allowed",
    async (method) => {
      const { port } = shared();
      const { status, headers, text } = await exchange(port, { method, path: "/webhooks/icomply" });
      expect([status, headers["allow"]]).toEqual([405, "POST"]);
      expect(text).toMatch(method === "HEAD" ? /^$/ : /"code":"method-not-allowed"/);
    },
  );

  test.for([
    ["/webhooks/icomply", "POST, OPTIONS"],
    ["/readyz", "GET, HEAD, OPTIONS"],
    ["/", "GET, HEAD, OPTIONS"],
    ["*", "GET, HEAD, OPTIONS"],
  ] as const)("OPTIONS %s is answered 204 and the methods that are allowed", async ([path, allow]) => {
    const { port } = shared();
    const { status, headers, text } = await exchange(port, { method: "OPTIONS", path });
    expect([status, headers["allow"], text]).toEqual([204, allow, ""]);
  });

  test.for([
    "/",
    "/webhooks",
    "/webhooks/icomply/",
    "/webhooks/other",
    "/WEBHOOKS/ICOMPLY",
    "/%00",
    "/../etc/passwd",
  ])("%s is answered 404", async (path) => {
    const { port } = shared();
    const { status, json } = await exchange(port, { method: "POST", path, body: BODY });
    expect([status, json["code"]]).toEqual([404, "not-found"]);
  });
});

test("a metric counts the refused webhooks since the last accepted one, by what is wrong with them", async (context) => {
  const { post, send, getOps } = await ingest(context, { REDIS_URL: undefined });
  const inARow = async () =>
    Object.fromEntries(
      Array.from(
        (await getOps("/metrics")).text.matchAll(
          /^dossier_unauthenticated_.*_in_a_row\{reason="(.+)"\} (\d+)$/gm,
        ),
        ([, reason, refused]) => [reason, Number(refused)],
      ),
    );
  const none = {
    "no-signature-and-no-secret": 0,
    "malformed-signature": 0,
    "wrong-signature": 0,
    "wrong-payload-secret": 0,
  };
  expect(await inARow()).toEqual(none);
  for (const secret of [OTHER_SECRET, SECRET, OTHER_SECRET, OTHER_SECRET]) await post(BODY, secret);
  await send("of a stranger");
  expect(await inARow()).toEqual({ ...none, "wrong-signature": 2, "no-signature-and-no-secret": 1 });
  await post(BODY);
  expect(await inARow()).toEqual(none);
});

test("an idle connection is kept for KEEP_ALIVE_SECONDS", async (context) => {
  const { port } = await ingest(context, { REDIS_URL: undefined, KEEP_ALIVE_SECONDS: 600 });
  const { headers } = await fetch(`http://127.0.0.1:${port}/healthz`);
  expect(headers.get("keep-alive")).toBe("timeout=600");
});
