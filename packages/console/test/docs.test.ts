import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { validate } from "@hyperjump/json-schema/openapi-3-1";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { operation } from "../src/api/operation.ts";
import { createApp } from "../src/app.ts";
import { openApi } from "../src/docs/openapi.ts";
import type { OpenApiDocument } from "./contract.ts";
import { useConsole } from "./harness.ts";

const shared = useConsole();
const readDocument = async () => (await shared().request("/openapi.json")).json as OpenApiDocument;

describe("the API's document", () => {
  test("is valid OpenAPI 3.1", async () => {
    const { status, headers, json } = await shared().request("/openapi.json");
    expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
    expect(json.openapi).toMatch(/^3\.1\./);
    expect(await validate("https://spec.openapis.org/oas/3.1/schema-base", json, "BASIC")).toMatchObject({
      valid: true,
    });
  });

  test("has no problem that Redocly's linter finds", async () => {
    const config = await createConfig({ extends: ["recommended-strict"] });
    const source = JSON.stringify(await readDocument());
    const problems = await lintFromString({ source, config });
    expect(problems.map(({ ruleId, location }) => `${ruleId} at ${location[0]?.pointer}`)).toEqual([]);
  });

  test("describes every route of the API, and no other", async () => {
    const unused = (() => undefined) as never;
    const app = createApp({
      pool: unused,
      queue: unused,
      updateQueue: unused,
      wakeBulkRunner: unused,
      log: unused,
      postgres: unused,
      access: unused,
      recordFailedSignIn: unused,
      recordUnmaskedRead: unused,
      consoleUrl: undefined,
      stuckAfterHours: undefined as never,
      shutdownSignal: AbortSignal.abort(),
    });
    const served = app.routes
      .filter(({ path, method }) => path.startsWith("/api/") && ["GET", "POST"].includes(method))
      .map(({ path, method }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const described = Object.entries((await readDocument()).paths).flatMap(([path, own]) =>
      Object.keys(own).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual(served.toSorted());
    expect(described).toHaveLength(41);
  });

  test("has the operations of docs/api.md, with the roles that they take", async () => {
    const text = await readFile(join(import.meta.dirname, "../../../docs/api.md"), "utf8");
    const listed = [...text.matchAll(/^\| `(GET|POST) (\S+)` \|.*\| (\w+) \|$/gm)].map(
      ([, method, path, role]) => `${method} /api/v1${path} ${role}`,
    );
    const described = Object.entries((await readDocument()).paths).flatMap(([path, own]) =>
      Object.entries(own).map(([method, { responses }]) => {
        const [, role] = /the role (\w+)/.exec(JSON.stringify(responses["403"])) ?? [];
        return `${method.toUpperCase()} ${path} ${role}`;
      }),
    );
    expect(listed.toSorted()).toEqual(described.toSorted());
  });

  test("describes each operation's parameters, body and problems", async () => {
    for (const [path, own] of Object.entries((await readDocument()).paths)) {
      for (const [method, { summary, parameters = [], responses, requestBody }] of Object.entries(own)) {
        expect([path, summary]).not.toEqual([path, ""]);
        const named = parameters.filter((one) => one.in === "path").map((one) => `{${one.name}}`);
        expect([path, named]).toEqual([path, path.match(/\{\w+\}/g) ?? []]);
        expect(Object.keys(responses)).toEqual(
          expect.arrayContaining([expect.stringMatching(/^20[012]$/), "400", "401", "403", "500", "503"]),
        );
        expect([path, requestBody !== undefined]).toEqual([path, method === "post"]);
      }
    }
  });

  test("describes a parameter's bounds and default", async () => {
    const list = (await readDocument()).paths["/api/v1/natural-persons"]?.["get"]?.parameters ?? [];
    expect(list.map(({ name }) => name)).toEqual([
      "asOf",
      "knownAt",
      "status",
      "reviewNeeded",
      "unknownEvents",
      "stuck",
      "sort",
      "count",
      "limit",
      "cursor",
      "entityId",
      "q",
    ]);
    expect(list.find(({ name }) => name === "limit")).toMatchObject({
      in: "query",
      description: expect.any(String),
      schema: { type: "integer", minimum: 1, maximum: 500, default: 50 },
    });
  });

  test("contains every schema that it refers to", async () => {
    const json = await readDocument();
    const names = JSON.stringify(json).matchAll(/"#\/components\/schemas\/(\w+)"/g);
    for (const [, name = ""] of names) expect(json.components.schemas).toHaveProperty(name);
  });

  test("cannot be made of an operation whose answer has no id", () => {
    const unnamed = operation({
      method: "get",
      path: "/unnamed",
      operationId: "getUnnamed",
      summary: "Unnamed",
      role: "viewer",
      input: {},
      answer: z.object({}),
      handle: async () => ({}),
    });
    expect(() => openApi([unnamed], "/api/v1")).toThrow('the answer of "Unnamed" has no id');
  });
});

describe("the page", () => {
  test("loads one script, from the console, and may ask no other host", async () => {
    const { text, headers } = await shared().request("/docs");
    expect(headers["content-type"]).toMatch(/^text\/html/);
    const urls = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url);
    expect(urls).toEqual(["data:,", "/openapi.json", expect.stringMatching(/^\/docs\/scalar-[\d.]+\.js$/)]);
    expect(text).not.toMatch(/https?:|\bon\w+=|<style/);
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  });

  test("has its script compressed, and kept by browsers for ever", async () => {
    const [, path] = /src="([^"]+)"/.exec((await shared().request("/docs")).text) ?? [];
    const url = `http://127.0.0.1:${shared().port}${path}`;
    const script = await fetch(url);
    expect(script.status).toBe(200);
    expect(Object.fromEntries(script.headers)).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "content-encoding": "gzip",
      "cache-control": "public, max-age=31536000, immutable",
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
    });
    expect(Number(script.headers.get("content-length"))).toBeLessThan(2_000_000);
    expect(await script.text()).toContain("api-reference");
    const cached = await fetch(url, { headers: { "if-none-match": script.headers.get("etag") ?? "" } });
    expect([cached.status, await cached.text()]).toEqual([304, ""]);
  });
});
