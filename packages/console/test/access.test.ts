import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { desk, event, sharedDesk } from "./desk.ts";
import { exchange } from "./http.ts";

const TOKEN = "a token of 31 bytes, or so it is";
const PATHS = [
  "/api/v1/natural-persons",
  "/api/v1/natural-persons/known",
  "/api/v1/natural-persons/known/events",
  "/api/v1/dead-letters",
  "/api/v1/changes",
  "/api/v1/stats",
  "/api/v1/what-is-not-there",
];

describe("with a token", () => {
  test("every path of the API is for those alone who bear it", async (context) => {
    const { port, ask, take } = await desk(context, { DOSSIER_API_TOKEN: TOKEN });
    const [id = ""] = await take(Buffer.from("canary"), event("known", { data: { entity: "canary" } }));
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
      ...PATHS,
      `/api/v1/dead-letters/${id}`,
      `/api/v1/stats?token=${encodeURIComponent(TOKEN)}`,
    ]) {
      for (const headers of wrong) {
        const { status, headers: answered, json, text } = await ask(path, { headers });
        expect([path, headers, status, json.code]).toEqual([path, headers, 401, "unauthenticated"]);
        expect(answered["www-authenticate"]).toBe("Bearer");
        expect(text).not.toContain("canary");
      }
      const { status } = await ask(path, { headers: { authorization: `Bearer ${TOKEN}` } });
      expect([path, status]).not.toEqual([path, 401]);
    }
    for (const method of ["POST", "HEAD", "OPTIONS", "DELETE"])
      expect((await exchange(port, "/api/v1/stats", { method })).status).toBe(401);
  });

  test("any Host will do, and the scheme is written as one likes", async (context) => {
    const { ask } = await desk(context, { DOSSIER_API_TOKEN: TOKEN });
    const headers = {
      authorization: `bearer  ${TOKEN}`,
      host: "dossier.example",
      origin: "https://elsewhere.example",
    };
    expect((await ask("/api/v1/stats", { headers })).status).toBe(200);
  });

  test("what holds no data asks for none", async (context) => {
    const { ask } = await desk(context, { DOSSIER_API_TOKEN: TOKEN });
    const [, script = ""] = /src="([^"]+)"/.exec((await ask("/docs")).text) ?? [];
    expect((await ask(script)).status).toBe(200);
    for (const path of ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"])
      expect([path, [200, 503].includes((await ask(path)).status)]).toEqual([path, true]);
  });
});

describe("without a token", () => {
  const shared = sharedDesk();

  test("the console listens on loopback alone", async () => {
    const addresses = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, family }) => !internal && family === "IPv4");
    for (const { address } of addresses) {
      const refused = await fetch(`http://${address}:${shared().port}/healthz`).catch(
        (error: Error) => error.cause,
      );
      expect(refused).toMatchObject({ code: "ECONNREFUSED" });
    }
    expect(shared().lines()[0]).toMatchObject({ loopbackOnly: true });
  });

  test.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "0.0.0.0",
    "evil.example:8081",
  ])("a page under the name %s is refused (DNS rebinding)", async (host) => {
    const { status, json } = await shared().get("/natural-persons", { host });
    expect([status, json.code]).toEqual([403, "loopback-only"]);
  });

  test.each(["localhost", "localhost:9999", "127.0.0.1", "[::1]:8081"])(
    "%s is this machine",
    async (host) => {
      expect((await shared().get("/natural-persons", { host })).status).toBe(200);
    },
  );

  test.each(["https://evil.example", "http://localhost:3000", "null", ""])(
    "a form that a page of %j sends decides nothing",
    async (origin) => {
      const { status, json } = await shared().post("/dead-letters/redrive", "{}", {
        "content-type": "text/plain",
        origin,
      });
      expect([status, json.code]).toEqual([403, "loopback-only"]);
    },
  );

  test("a request from the console's own pages is let through", async () => {
    const origin = `http://127.0.0.1:${shared().port}`;
    const { status } = await shared().post(
      "/dead-letters/redrive",
      {},
      { origin, host: `127.0.0.1:${shared().port}` },
    );
    expect(status).toBe(200);
  });

  test("a Host that is none is refused", async () => {
    expect((await exchange(shared().port, "/api/v1/stats", { headers: { host: "a b" } })).status).toBe(400);
  });
});

describe("methods", () => {
  const shared = sharedDesk();

  test("HEAD is as GET, without a body", async () => {
    for (const path of [
      "/api/v1/natural-persons",
      "/api/v1/stats",
      "/api/v1/changes",
      "/openapi.json",
      "/docs",
    ]) {
      const { status, text, headers } = await exchange(shared().port, path, { method: "HEAD" });
      expect([path, status, text]).toEqual([path, 200, ""]);
      expect(headers["content-type"]).toBe((await shared().ask(path)).headers["content-type"]);
    }
  });

  test("HEAD of a stream reads nothing further", async () => {
    const headers = { accept: "text/event-stream" };
    const { status, text } = await exchange(shared().port, "/api/v1/changes", { method: "HEAD", headers });
    expect([status, text]).toEqual([200, ""]);
  });

  test.each([
    ["/api/v1/natural-persons", "GET, HEAD"],
    ["/api/v1/natural-persons/x", "GET, HEAD"],
    ["/api/v1/natural-persons/x/events", "GET, HEAD"],
    ["/api/v1/dead-letters", "GET, HEAD"],
    ["/api/v1/dead-letters/x", "GET, HEAD"],
    ["/api/v1/dead-letters/redrive", "POST"],
    ["/api/v1/dead-letters/discard", "POST"],
    ["/api/v1/dead-letters/x/redrive", "POST"],
    ["/api/v1/dead-letters/x/discard", "POST"],
    ["/api/v1/changes", "GET, HEAD"],
    ["/api/v1/stats", "GET, HEAD"],
  ])("%s takes %s, and answers 405 to all else", async (path, allow) => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter(
      (one) => !allow.includes(one),
    )) {
      const { status, headers, json } = await exchange(shared().port, path, { method });
      expect([method, status, headers.allow, json.code]).toEqual([method, 405, allow, "method-not-allowed"]);
    }
  });

  test("what is not there is answered 404, as a problem", async () => {
    for (const path of [
      "/nothing",
      "/api",
      "/api/v2/stats",
      "/api/v1",
      "/api/v1/natural-persons/x/y",
      "/docs/openapi.ts",
    ]) {
      const { status, headers, json } = await exchange(shared().port, path);
      expect([path, status, headers["content-type"], json.code]).toEqual([
        path,
        404,
        "application/problem+json",
        "not-found",
      ]);
    }
  });
});

test("neither personal data nor a token reaches a log line or a metric", async (context) => {
  const { get, post, ask, take, pool, printed } = await desk(context, { DOSSIER_API_TOKEN: TOKEN });
  const bearer = { authorization: `Bearer ${TOKEN}` };
  const [id = ""] = await take(
    Buffer.from("canary"),
    event("known", { data: { entity: "canary name", email: "canary@mail.example" } }),
  );
  await get("/natural-persons?q=canary", bearer);
  await get("/natural-persons?q=canary&status=canary&canary=canary", bearer);
  await get("/natural-persons/known", bearer);
  await get(`/dead-letters/${id}`, bearer);
  await get("/dead-letters?text=canary", bearer);
  await get("/natural-persons?q=canary", { authorization: "Bearer canary-token" });
  await post("/dead-letters/redrive", '{"reason":"canary', bearer);
  await post(`/dead-letters/${id}/redrive`, { reason: "canary", dryRun: true }, bearer);
  await pool.query("alter table person_search rename to gone");
  expect((await get("/natural-persons?q=canary", bearer)).status).toBe(503);
  await pool.query(
    "create view person_search as select entity_id, (1 / 0)::text || 'canary' as search from gone",
  );
  expect((await get("/natural-persons?q=canary", bearer)).status).toBe(500);

  const said = printed.join("") + (await ask("/metrics")).text;
  expect(said).toContain("request-failed");
  expect(said).not.toContain("canary");
  expect(said).not.toContain(TOKEN);
});
