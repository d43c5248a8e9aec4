import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { describe, expect, test } from "vitest";
import { notFound, onError, problem } from "../src/index.ts";
import { testLogger } from "./fixtures/test-logger.ts";

const { log, lines } = testLogger();
const app = new Hono()
  .get("/large", () =>
    problem(413, "too-large", "At most 10 bytes are accepted.", {
      members: { limit: 10, status: 200 },
      headers: { "retry-after": "5" },
    }),
  )
  .get("/bad-request", () => {
    throw new HTTPException(400, { message: "Malformed JSON in request body" });
  })
  .get("/broken", () => {
    throw new Error("hush");
  })
  .notFound(notFound)
  .onError(onError(log));

async function get(path: string) {
  const answer = await app.request(path);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

describe("a problem", () => {
  test("has a title, status, code, detail, and further members and headers", async () => {
    const { status, headers, body } = await get("/large");
    expect(status).toBe(413);
    expect(headers.get("retry-after")).toBe("5");
    expect(JSON.parse(body)).toEqual({
      title: "Payload Too Large",
      status: 413,
      code: "too-large",
      detail: "At most 10 bytes are accepted.",
      limit: 10,
    });
  });

  test("answers a path that no route matches", async () => {
    expect(JSON.parse((await get("/nowhere")).body)).toMatchObject({ code: "not-found" });
  });

  test("keeps the status and message of Hono's own exceptions", async () => {
    expect(JSON.parse((await get("/bad-request")).body)).toMatchObject({
      status: 400,
      code: "bad-request",
      detail: "Malformed JSON in request body",
    });
  });

  test("hides an unexpected error from the client, and logs its class and stack alone", async () => {
    const { status, body } = await get("/broken?q=jane");
    expect(status).toBe(500);
    expect(JSON.parse(body)).toMatchObject({ code: "internal" });
    expect(body).not.toContain("hush");
    expect(lines()).toMatchObject([
      { level: "error", code: "request-failed", path: "/broken", unexpected: { type: "Error" } },
    ]);
    expect(JSON.stringify(lines())).not.toContain("hush");
  });
});
