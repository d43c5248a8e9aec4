import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { describe, expect, test } from "vitest";
import { createLogger, notFound, onError, problem } from "../src/index.ts";

const lines: string[] = [];
const log = createLogger({
  service: "test",
  level: "info",
  destination: { write: (line) => lines.push(line) },
});
const app = new Hono()
  .get("/large", () =>
    problem(413, "too-large", "At most 10 bytes are taken.", {
      members: { limit: 10, status: 200 },
      headers: { "retry-after": "5" },
    }),
  )
  .get("/refused", () => {
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
  test("has a title, its status, a stable code, a detail, and the members given", async () => {
    const { status, headers, body } = await get("/large");
    expect(status).toBe(413);
    expect(headers.get("retry-after")).toBe("5");
    expect(JSON.parse(body)).toEqual({
      title: "Payload Too Large",
      status: 413,
      code: "too-large",
      detail: "At most 10 bytes are taken.",
      limit: 10,
    });
  });

  test("answers a path that nothing serves", async () => {
    expect(JSON.parse((await get("/nowhere")).body)).toMatchObject({ code: "not-found" });
  });

  test("keeps the status and the words of Hono's own refusals", async () => {
    expect(JSON.parse((await get("/refused")).body)).toMatchObject({
      status: 400,
      code: "bad-request",
      detail: "Malformed JSON in request body",
    });
  });

  test("hides what an unexpected error says from the client, and logs it", async () => {
    const { status, body } = await get("/broken?q=jane");
    expect(status).toBe(500);
    expect(JSON.parse(body)).toMatchObject({ code: "internal" });
    expect(body).not.toContain("hush");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        level: "error",
        method: "GET",
        path: "/broken",
        err: expect.objectContaining({ message: "hush" }),
      }),
    ]);
  });
});
