/** What every operation of the API's document keeps to, whatever it does. */
import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import type { OpenApiDocument } from "./contract.ts";
import { TOKEN, useConsole } from "./harness.ts";
import { exchange, type Answer } from "./http.ts";

const shared = useConsole(async ({ recordAndSettle }) => recordAndSettle(eventBody("known")));

const AUTHORIZATION = { authorization: `Bearer ${TOKEN}` };
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Returns the paths of the document, with parameters filled in, and the methods that each allows. */
async function readPaths(): Promise<readonly { path: string; allowed: readonly string[] }[]> {
  const { json } = await shared().request("/openapi.json");
  const paths = Object.entries((json as OpenApiDocument).paths);
  expect(paths.length).toBeGreaterThan(20);
  return paths.map(([path, operations]) => ({
    path: path.replace("{entityId}", "known").replaceAll(/\{\w+\}/g, "1"),
    allowed: [
      ...Object.keys(operations).flatMap((method) => (method === "get" ? ["GET", "HEAD"] : ["POST"])),
      "OPTIONS",
    ],
  }));
}

/** Sends a request to each path that allows a method, in parallel. */
async function each(method: string, options: { body?: string; headers?: Record<string, string> }) {
  const paths = (await readPaths()).filter(({ allowed }) => allowed.includes(method));
  const send = (path: string): Promise<Answer> =>
    exchange(shared().port, path, { method, ...options, headers: { ...AUTHORIZATION, ...options.headers } });
  return Promise.all(paths.map(async ({ path, allowed }) => ({ path, allowed, answer: await send(path) })));
}

test("OPTIONS says which methods a path allows, without a token", async () => {
  for (const { path, allowed, answer } of await each("OPTIONS", { headers: { authorization: "" } }))
    expect([path, answer.status, answer.headers.allow]).toEqual([path, 204, allowed.join(", ")]);
});

test("any other method is answered 405, with those that are allowed", async () => {
  for (const { path, allowed } of await readPaths()) {
    const others = METHODS.filter((method) => !allowed.includes(method) && method !== "HEAD");
    for (const method of others) {
      const { status, headers, json } = await exchange(shared().port, path, {
        method,
        headers: AUTHORIZATION,
      });
      expect([path, method, status, headers.allow, json.code]).toEqual([
        ...[path, method, 405, allowed.join(", "), "method-not-allowed"],
      ]);
    }
  }
});

test.each([
  ["/", "GET, HEAD"],
  ["/natural-persons", "GET, HEAD, POST"],
  ["/sign-in", "GET, HEAD, POST"],
  ["/sign-out", "POST"],
  ["/audit/export", "POST"],
  ["/docs", "GET, HEAD"],
  ["/openapi.json", "GET, HEAD"],
])("OPTIONS and a wrong method of %s say that it allows %s", async (path, allow) => {
  const { port } = shared();
  const options = await exchange(port, path, { method: "OPTIONS" });
  expect([options.status, options.headers.allow]).toEqual([204, `${allow}, OPTIONS`]);
  const { status, headers, json } = await exchange(port, path, { method: "DELETE" });
  expect([status, headers.allow, json.code]).toEqual([405, allow, "method-not-allowed"]);
});

test("what is not there has no methods", async () => {
  for (const method of ["GET", "POST", "OPTIONS"]) {
    const { status, json } = await exchange(shared().port, "/nothing", { method });
    expect([method, status, json.code]).toEqual([method, 404, "not-found"]);
  }
});

test("people get a page where nothing is, or nothing to read; programs and the API get a problem", async () => {
  const { port } = shared();
  const browser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
  for (const [path, code, words] of [
    ["/nothing", 404, "There is no such page"],
    ["/sign-out", 405, "There is no page here to read"],
  ] as const) {
    const { status, headers, text } = await exchange(port, path, { headers: browser });
    expect([path, status, headers["content-type"]]).toEqual([path, code, "text/html; charset=UTF-8"]);
    expect(text).toContain(words);
    const [, nonce = ""] = /nonce="([^"]+)"/.exec(text) ?? [];
    expect(headers["content-security-policy"]).toContain(`'nonce-${nonce}'`);
  }
  const answer = await exchange(port, "/api/v1/nothing", { headers: { ...AUTHORIZATION, ...browser } });
  expect([answer.status, answer.json.code]).toEqual([404, "not-found"]);
});

test("HEAD answers as GET does, without a body", async () => {
  const [got, heads] = [await each("GET", {}), await each("HEAD", {})];
  for (const [n, { path, answer }] of heads.entries()) {
    const { status, headers } = got[n]?.answer ?? {};
    expect([path, answer.status, answer.headers["content-type"], answer.text]).toEqual([
      ...[path, status, headers?.["content-type"], ""],
    ]);
  }
});

test("a body that is not said to be JSON is answered 415, and decides nothing", async () => {
  const types = ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""];
  for (const type of types) {
    const headers = type === "" ? {} : { "content-type": type };
    for (const { path, answer } of await each("POST", { body: "{}", headers }))
      expect([path, type, answer.status, answer.json.code]).toEqual([
        ...[path, type, 415, "unsupported-media-type"],
      ]);
  }
  for (const type of ["application/json; charset=utf-8", "application/merge-patch+json", "APPLICATION/JSON"])
    for (const { path, answer } of await each("POST", { body: "[]", headers: { "content-type": type } }))
      expect([path, type, answer.status]).not.toEqual([path, type, 415]);
});

/** What If-None-Match may say of a tag (RFC 9110, 13.1.2), and whether it names it. */
const namesTag = (tag: string) =>
  [
    ["*", true],
    [tag, true],
    [`W/${tag}`, true],
    [`"other", ${tag}`, true],
    [`"other",W/"a, b" ,\t${tag}`, true],
    [tag.slice(1, -1), false],
    [`${tag.slice(0, -1)}x"`, false],
    ['"*"', false],
    ['W/"other", "another"', false],
  ] as const;

test("If-None-Match takes an asterisk, weak tags and lists, and says nothing of a missing person", async () => {
  const { get, port } = shared();
  const { headers } = await get("/natural-persons/known");
  const script = /src="([^"]+)"/.exec((await shared().request("/docs")).text)?.[1] ?? "";
  const { headers: scriptHeaders } = await exchange(port, script, { method: "HEAD" });
  for (const [method, path, tag = ""] of [
    ["GET", "/api/v1/natural-persons/known", headers.etag],
    ["HEAD", "/api/v1/natural-persons/known", headers.etag],
    ["HEAD", script, scriptHeaders.etag],
  ] as const)
    for (const [ifNoneMatch, isNamed] of namesTag(tag)) {
      const given = { ...AUTHORIZATION, "if-none-match": ifNoneMatch };
      const answer = await exchange(port, path, { method, headers: given });
      expect([path, ifNoneMatch, answer.status]).toEqual([path, ifNoneMatch, isNamed ? 304 : 200]);
      expect([answer.headers.etag, isNamed && answer.text !== ""]).toEqual([tag, false]);
    }
  expect((await get("/natural-persons/nobody", { "if-none-match": "*" })).status).toBe(404);
});

test("a person has an ETag, which changes with the person, and is answered 304 until then", async () => {
  const { get, recordAndSettle } = shared();
  const { status, headers } = await get("/natural-persons/known");
  expect([status, headers.etag]).toEqual([200, expect.stringMatching(/^"[\w-]+"$/)]);
  const ifNoneMatch = { "if-none-match": `"other", W/${headers.etag}` };
  const same = await get("/natural-persons/known", ifNoneMatch);
  expect([same.status, same.headers.etag, same.headers["cache-control"]]).toEqual([
    ...[304, headers.etag, "no-store"],
  ]);
  await recordAndSettle(eventBody("known", { id: "2", data: { entity: "Other Name" } }));
  const changed = await get("/natural-persons/known", ifNoneMatch);
  expect([changed.status, changed.headers.etag === headers.etag]).toEqual([200, false]);
});
