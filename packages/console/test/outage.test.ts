import { text } from "node:stream/consumers";
import { startPostgres } from "@dossier/testing";
import { expect, test } from "vitest";
import { desk, event, prepare } from "./desk.ts";
import { begun } from "./http.ts";

test("while Postgres is away every read and decision is answered 503 and when to come back; it recovers by itself, and each is said once", async (context) => {
  const postgres = await startPostgres();
  context.onTestFinished(() => postgres.stop());
  await prepare(postgres.url);
  const { get, post, ask, take, lines, sent } = await desk(context, { DATABASE_URL: postgres.url });
  const [id = ""] = await take(Buffer.from("not JSON"), event("known"));
  expect((await get("/natural-persons/known")).status).toBe(200);
  const waiting = get("/changes?after=9&wait=60");
  const stream = await begun(sent("/changes?after=9", { accept: "text/event-stream" }));
  const streamed = text(stream);

  await postgres.kill();
  expect((await waiting).status).toBe(503);
  await streamed;
  expect(stream.complete).toBe(true);
  for (const path of [
    "/natural-persons",
    "/natural-persons/known?asOf=2026-01-01T00:00:00Z",
    "/dead-letters",
    `/dead-letters/${id}`,
    "/changes",
    "/stats",
  ]) {
    const { status, headers, json } = await get(path);
    expect([path, status, headers["content-type"], headers["retry-after"], json.code]).toEqual([
      path,
      503,
      "application/problem+json",
      "5",
      "unavailable",
    ]);
  }
  expect((await get("/changes", { accept: "text/event-stream" })).status).toBe(503);
  expect((await post(`/dead-letters/${id}/redrive`)).status).toBe(503);
  expect((await post("/dead-letters/redrive", { dryRun: true })).status).toBe(503);
  expect((await post(`/dead-letters/${id}/discard`, { reason: "r" })).status).toBe(503);
  expect((await get("/dead-letters?limit=0")).status).toBe(400);
  expect((await ask("/readyz")).status).toBe(503);
  expect((await ask("/healthz")).status).toBe(200);
  const said = () =>
    lines().flatMap(({ level, code }) => (code?.startsWith("postgres-") ? [`${level}: ${code}`] : []));
  const trouble = "error: postgres-unavailable";
  expect(said()).toEqual([trouble]);
  expect(lines().filter(({ code }) => code === "request-failed")).toEqual([]);

  await postgres.restart();
  await expect.poll(async () => (await get("/natural-persons/known")).status).toBe(200);
  expect(said()).toEqual([trouble, "info: postgres-recovered"]);
  expect((await post(`/dead-letters/${id}/discard`, { reason: "r" })).status).toBe(200);
});

test("down at boot, the console starts all the same", async (context) => {
  const { get, ask } = await desk(context, { DATABASE_URL: "postgres://127.0.0.1:1/none" });
  expect((await get("/stats")).status).toBe(503);
  expect((await ask("/openapi.json")).status).toBe(200);
});
