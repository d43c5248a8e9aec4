import { networkInterfaces } from "node:os";
import { eventBody } from "@dossier/store/fixtures";
import { describe, expect, test } from "vitest";
import { startTestConsole, TOKEN, useConsole } from "./harness.ts";
import { exchange } from "./http.ts";

const API_PATHS = [
  "/api/v1/natural-persons",
  "/api/v1/natural-persons/known",
  "/api/v1/natural-persons/known/events",
  "/api/v1/natural-persons/known/deliveries",
  "/api/v1/deliveries",
  "/api/v1/failing-deliveries",
  "/api/v1/events",
  "/api/v1/dead-letters",
  "/api/v1/bulk-actions",
  "/api/v1/changes",
  "/api/v1/stats",
  "/api/v1/audit",
  "/api/v1/system",
  "/api/v1/tokens",
  "/api/v1/no-such-path",
];

describe("with a token", () => {
  const shared = useConsole();

  test("every path of the API answers 401 without the right token, and reveals nothing", async () => {
    const { request, recordAndSettle } = shared();
    const [id = ""] = await recordAndSettle(
      Buffer.from("canary"),
      eventBody("known", { data: { entity: "canary" } }),
    );
    const wrong = [
      {},
      { authorization: "" },
      { authorization: "Bearer" },
      { authorization: "Bearer " },
      { authorization: `Bearer ${TOKEN}x` },
      { authorization: `Bearer ${TOKEN.slice(0, -1)}` },
      { authorization: `Bearer ${TOKEN.toUpperCase()}` },
      { authorization: `Basic ${TOKEN}` },
      { authorization: TOKEN },
      { cookie: `token=${TOKEN}` },
    ];
    for (const path of [
      ...API_PATHS,
      `/api/v1/dead-letters/${id}`,
      `/api/v1/stats?token=${encodeURIComponent(TOKEN)}`,
    ]) {
      for (const headers of wrong) {
        const answer = await request(path, { headers });
        expect([path, headers, answer.status, answer.json.code]).toEqual([
          path,
          headers,
          401,
          "unauthenticated",
        ]);
        expect(answer.headers["www-authenticate"]).toBe("Bearer");
        expect(answer.text).not.toContain("canary");
      }
      const { status } = await request(path, { headers: { authorization: `Bearer ${TOKEN}` } });
      expect([path, status]).not.toEqual([path, 401]);
    }
  });

  test.each(["POST", "HEAD", "DELETE"])("%s answers 401 as well", async (method) => {
    expect((await exchange(shared().port, "/api/v1/stats", { method })).status).toBe(401);
  });

  test("any Host and any Origin is served, and the scheme may be in any case", async () => {
    const headers = {
      authorization: `bearer  ${TOKEN}`,
      host: "dossier.example",
      origin: "https://elsewhere.example",
    };
    expect((await shared().request("/api/v1/stats", { headers })).status).toBe(200);
  });

  test("paths without data need no token", async () => {
    const { request } = shared();
    const [, script = ""] = /src="([^"]+)"/.exec((await request("/docs")).text) ?? [];
    for (const path of ["/sign-in", "/docs", script, "/openapi.json", "/healthz", "/readyz"]) {
      // A busy machine may be unready.
      expect([path, [200, 503].includes((await request(path)).status)]).toEqual([path, true]);
    }
  });

  test.each(["/", "*"])(
    "OPTIONS %s is answered without a token, as load balancers send none",
    async (path) => {
      const { status, headers } = await exchange(shared().port, path, { method: "OPTIONS" });
      expect([status, headers.allow]).toEqual([204, "GET, HEAD, OPTIONS"]);
    },
  );

  test("metrics, and why the console is not ready, are on the ops port alone", async () => {
    const { request, getOps } = shared();
    expect((await request("/metrics")).status).toBe(404);
    expect(Object.keys((await request("/readyz")).json)).toEqual(["status"]);
    expect((await getOps("/metrics")).text).toContain("process_uptime_seconds");
    expect((await getOps("/readyz")).json).toHaveProperty("checks");
  });
});

describe("without any token", () => {
  const shared = useConsole(undefined, { config: { DOSSIER_API_TOKEN: undefined } });

  test("the console listens on loopback only", async () => {
    const addresses = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, family }) => !internal && family === "IPv4");
    for (const { address } of addresses) {
      const refused = await fetch(`http://${address}:${shared().port}/healthz`).catch(
        (error: Error) => error.cause,
      );
      expect(refused).toMatchObject({ code: "ECONNREFUSED" });
    }
    expect(shared().logLines()[0]).toMatchObject({ code: "listening", loopbackOnly: true });
  });

  test.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "0.0.0.0",
    "evil.example:8081",
  ])("the Host %s is refused (DNS rebinding)", async (host) => {
    const { status, json } = await shared().get("/natural-persons", { host });
    expect([status, json.code]).toEqual([403, "loopback-only"]);
  });

  test.each(["localhost", "localhost:9999", "127.0.0.1", "[::1]:8081"])(
    "the Host %s is served",
    async (host) => {
      expect((await shared().get("/natural-persons", { host })).status).toBe(200);
    },
  );

  test.each(["https://evil.example", "http://localhost:3000", "null", ""])(
    "a form of a page from origin %j is refused",
    async (origin) => {
      const { status, json } = await shared().post("/dead-letters/redrive", "{}", {
        "content-type": "text/plain",
        origin,
      });
      expect([status, json.code]).toEqual([403, "loopback-only"]);
    },
  );

  test("a request from the console's own origin is served, and only reads", async () => {
    const { port, get, post } = shared();
    const own = { origin: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}` };
    expect((await get("/dead-letters", own)).status).toBe(200);
    const { status, json } = await post("/dead-letters/redrive", {}, own);
    expect([status, json.code]).toEqual([403, "forbidden"]);
  });

  test("an invalid Host is refused", async () => {
    expect((await exchange(shared().port, "/api/v1/stats", { headers: { host: "a b" } })).status).toBe(400);
  });
});

const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

describe("methods", () => {
  const shared = useConsole();

  test.each(["/api/v1/natural-persons", "/api/v1/stats", "/api/v1/changes", "/openapi.json", "/docs"])(
    "HEAD %s answers as GET, without a body",
    async (path) => {
      const { status, text, headers } = await exchange(shared().port, path, {
        method: "HEAD",
        headers: AUTHORIZED,
      });
      expect([status, text]).toEqual([200, ""]);
      const got = await shared().request(path, { headers: AUTHORIZED });
      expect(headers["content-type"]).toBe(got.headers["content-type"]);
    },
  );

  test("HEAD of a stream ends at once", async () => {
    const headers = { ...AUTHORIZED, accept: "text/event-stream" };
    const { status, text } = await exchange(shared().port, "/api/v1/changes", { method: "HEAD", headers });
    expect([status, text]).toEqual([200, ""]);
  });

  test.each([
    "/nothing",
    "/api",
    "/api/v2/stats",
    "/api/v1",
    "/api/v1/natural-persons/x/y",
    "/docs/openapi.ts",
  ])("%s is not found, as a problem", async (path) => {
    const { status, headers, json } = await exchange(shared().port, path, { headers: AUTHORIZED });
    expect([status, headers["content-type"], json.code]).toEqual([
      404,
      "application/problem+json",
      "not-found",
    ]);
  });
});

test("neither personal data nor a token reaches a log line or a metric", async (context) => {
  const { get, post, getOps, recordAndSettle, pool, output } = await startTestConsole(context, {
    config: { DOSSIER_API_TOKEN: TOKEN },
  });
  const bearer = { authorization: `Bearer ${TOKEN}` };
  const [id = ""] = await recordAndSettle(
    Buffer.from("canary"),
    eventBody("known", { data: { entity: "canary name", email: "canary@mail.example" } }),
  );
  await get("/natural-persons?q=canary", bearer);
  await get("/natural-persons?q=canary&status=canary&canary=canary", bearer);
  await post("/natural-persons/search", { q: "canary" }, bearer);
  await post("/natural-persons/search", { q: "canary", canary: "canary" }, bearer);
  await get("/natural-persons/known", bearer);
  await get(`/dead-letters/${id}`, bearer);
  await get("/dead-letters?text=canary", bearer);
  await post("/dead-letters/search", { text: "canary" }, bearer);
  await get("/natural-persons?q=canary", { authorization: "Bearer canary-token" });
  await post("/dead-letters/redrive", '{"reason":"canary', bearer);
  await post(`/dead-letters/${id}/redrive`, { reason: "canary", dryRun: true }, bearer);
  await pool.query("alter table person_search rename to gone");
  expect((await get("/natural-persons?q=canary", bearer)).status).toBe(503);
  await pool.query(
    `create view person_search as select entity_id, (1 / 0)::text || 'canary' as search from gone;
     grant select on person_search to public`,
  );
  expect((await get("/natural-persons?q=canary", bearer)).status).toBe(500);

  const published = output() + (await getOps("/metrics")).text;
  expect(published).toContain("request-failed");
  expect(published).not.toContain("canary");
  expect(published).not.toContain(TOKEN);
});

test("an idle connection is kept for KEEP_ALIVE_SECONDS", async (context) => {
  const { port } = await startTestConsole(context, { config: { KEEP_ALIVE_SECONDS: 600 } });
  const { headers } = await fetch(`http://127.0.0.1:${port}/healthz`);
  expect(headers.get("keep-alive")).toBe("timeout=600");
});
