import { validate } from "@hyperjump/json-schema/openapi-3-1";
import { expect, test } from "vitest";
import { consoleApp } from "../src/app.ts";
import type { OpenApi } from "../src/docs/openapi.ts";
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
  const json = (await desk().ask("/openapi.json")).json as OpenApi;
  for (const [path, own] of Object.entries(json.paths)) {
    for (const [method, { summary, parameters, responses, requestBody }] of Object.entries(own)) {
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
  expect(list.find(({ name }: { name: string }) => name === "limit")).toEqual({
    name: "limit",
    in: "query",
    required: false,
    description: "How many items a page has at the most.",
    schema: { type: "integer", minimum: 1, maximum: 500, default: 50 },
  });
  const text = JSON.stringify(json);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
    expect(json.components.schemas).toHaveProperty(name ?? "");
});

test("the page tells every operation and every answer, and loads nothing from elsewhere", async () => {
  const { json } = await desk().ask("/openapi.json");
  const { text, headers } = await desk().ask("/docs");
  expect(headers["content-type"]).toMatch(/^text\/html/);
  for (const path of Object.keys(json.paths)) expect(text).toContain(path);
  for (const name of Object.keys(json.components.schemas)) expect(text).toContain(`id="${name}"`);
  const anchors = [...text.matchAll(/href="#([^"]+)"/g)].map(([, anchor]) => anchor);
  for (const anchor of anchors) expect(text).toContain(`id="${anchor}"`);
  const loaded = [...text.matchAll(/(?:src|href)="(?!#)([^"]+)"/g)].map(([, url]) => url);
  expect([...new Set(loaded)]).toEqual(["/docs/page.css", "/openapi.json"]);
  expect(headers["content-security-policy"]).toContain("default-src 'none'");
  const style = await desk().ask("/docs/page.css");
  expect([style.status, style.headers["content-type"]]).toEqual([200, "text/css; charset=utf-8"]);
  expect(style.text).not.toMatch(/url\(|@import/);
});

test("the root says where the API and its description are", async () => {
  const { status, headers, text } = await desk().ask("/");
  expect([status, headers["content-type"]]).toEqual([200, "text/plain; charset=UTF-8"]);
  for (const path of ["/api/v1/natural-persons", "/docs", "/openapi.json"]) expect(text).toContain(path);
});
