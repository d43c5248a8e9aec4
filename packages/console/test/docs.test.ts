import { validate } from "@hyperjump/json-schema/openapi-3-1";
import { expect, test } from "vitest";
import { consoleApp } from "../src/app.ts";
import type { OpenApiDocument } from "./contract.ts";
import { sharedDesk } from "./desk.ts";

const desk = sharedDesk();

test("the document is OpenAPI 3.1, as its own meta-schema has it", async () => {
  const { status, headers, json } = await desk().ask("/openapi.json");
  expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
  expect(json.openapi).toMatch(/^3\.1\./);
  expect(await validate("https://spec.openapis.org/oas/3.1/schema-base", json, "BASIC")).toMatchObject({
    valid: true,
  });
});

test("every route of the API stands in the document, and nothing else", async () => {
  const never = {} as never;
  const app = consoleApp({
    pool: never,
    queue: never,
    log: never,
    postgres: never,
    token: undefined,
    shutdownSignal: AbortSignal.abort(),
  });
  const served = app.routes
    .filter(({ path, method }) => path.startsWith("/api/") && method !== "ALL")
    .map(({ path, method }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  const { json } = await desk().ask("/openapi.json");
  const told = Object.entries<object>(json.paths).flatMap(([path, own]) =>
    Object.keys(own).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(told.toSorted()).toEqual(served.toSorted());
  expect(told).toHaveLength(11);
});

test("every operation tells its parameters, its answer, and what may go wrong", async () => {
  const json = (await desk().ask("/openapi.json")).json as OpenApiDocument;
  for (const [path, own] of Object.entries(json.paths)) {
    for (const [method, { summary, parameters = [], responses, requestBody }] of Object.entries(own)) {
      expect([path, summary]).not.toEqual([path, ""]);
      const named = parameters.filter((one) => one.in === "path").map((one) => `{${one.name}}`);
      expect([path, named]).toEqual([path, path.match(/\{\w+\}/g) ?? []]);
      expect(Object.keys(responses)).toEqual(
        expect.arrayContaining(["200", "400", "401", "403", "500", "503"]),
      );
      expect([path, requestBody !== undefined]).toEqual([path, method === "post"]);
    }
  }
  const list = json.paths["/api/v1/natural-persons"]?.["get"]?.parameters ?? [];
  expect(list.map(({ name }: { name: string }) => name)).toEqual([
    "asOf",
    "knownAt",
    "status",
    "q",
    "limit",
    "cursor",
  ]);
  expect(list.find(({ name }) => name === "limit")).toMatchObject({
    in: "query",
    description: expect.any(String),
    schema: { type: "integer", minimum: 1, maximum: 500, default: 50 },
  });
  const text = JSON.stringify(json);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
    expect(json.components.schemas).toHaveProperty(name ?? "");
});

test("the page loads one script, from the console alone, and may ask no other host", async () => {
  const { text, headers } = await desk().ask("/docs");
  expect(headers["content-type"]).toMatch(/^text\/html/);
  const loaded = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url);
  expect(loaded).toEqual(["data:,", "/openapi.json", expect.stringMatching(/^\/docs\/scalar-[\d.]+\.js$/)]);
  expect(text).not.toMatch(/https?:|\bon\w+=|<style/);
  expect(headers["content-security-policy"]).toBe(
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
});

test("the page's script is served compressed, and kept by browsers for ever", async () => {
  const { text } = await desk().ask("/docs");
  const [, path] = /<script src="([^"]+)"/.exec(text) ?? [];
  const url = `http://127.0.0.1:${desk().port}${path}`;
  const script = await fetch(url);
  expect([script.status, script.headers.get("content-type"), script.headers.get("content-encoding")]).toEqual(
    [200, "text/javascript; charset=utf-8", "gzip"],
  );
  expect(script.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(Number(script.headers.get("content-length"))).toBeLessThan(2_000_000);
  expect(await script.text()).toContain("api-reference");
  const etag = script.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[\w-]{43}"$/);
  const again = await fetch(url, { headers: { "if-none-match": etag } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test("the root says where the API and its description are", async () => {
  const { status, headers, text } = await desk().ask("/");
  expect([status, headers["content-type"]]).toEqual([200, "text/plain; charset=UTF-8"]);
  for (const path of ["/api/v1/natural-persons", "/docs", "/openapi.json"]) expect(text).toContain(path);
});
