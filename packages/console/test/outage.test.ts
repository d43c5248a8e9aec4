import { text } from "node:stream/consumers";
import { eventBody } from "@dossier/store/fixtures";
import { startPostgres, waitFor } from "@dossier/testing";
import { describe, expect, test, type TestContext } from "vitest";
import { migrateAll, startTestConsole } from "./harness.ts";
import { responseTo } from "./http.ts";

/** Starts a console on a Postgres of its own. */
async function startWithPostgres(context: TestContext) {
  const postgres = await startPostgres();
  context.onTestFinished(() => postgres.stop());
  await migrateAll(postgres.url);
  const console = await startTestConsole(context, { config: { DATABASE_URL: postgres.url } });
  const [unparsable = ""] = await console.recordAndSettle(Buffer.from("not JSON"), eventBody("known"));
  expect((await console.get("/natural-persons/known")).status).toBe(200);
  return { postgres, unparsable, ...console };
}

describe("while Postgres is unavailable", () => {
  test("every read and decision answers 503, is logged once, and recovers by itself", async (context) => {
    const { postgres, unparsable, get, post, request, logLines } = await startWithPostgres(context);
    const outageCodes = () => logLines().flatMap(({ code }) => (code?.startsWith("postgres-") ? [code] : []));
    await postgres.kill();

    const reads = [
      "/natural-persons",
      "/natural-persons/known?asOf=2026-01-01T00:00:00Z",
      "/dead-letters",
      `/dead-letters/${unparsable}`,
      "/changes",
      "/stats",
    ].map((path) => get(path));
    const decisions = [
      post(`/dead-letters/${unparsable}/redrive`, { reason: "r" }),
      post("/dead-letters/redrive", { filter: { reason: "unparsable" }, dryRun: true }),
      post(`/dead-letters/${unparsable}/discard`, { reason: "r" }),
      post("/dead-letters/discard", { filter: { reason: "unparsable" }, dryRun: true }),
    ];
    const stream = get("/changes", { accept: "text/event-stream" });
    for (const answer of await Promise.all([...reads, ...decisions, stream])) {
      const { status, headers, json } = answer;
      expect([status, headers["content-type"], headers["retry-after"], json.code]).toEqual([
        503,
        "application/problem+json",
        "5",
        "unavailable",
      ]);
    }
    expect((await get("/dead-letters?limit=0")).status).toBe(400);
    expect((await request("/readyz")).status).toBe(503);
    expect((await request("/healthz")).status).toBe(200);
    expect(outageCodes()).toEqual(["postgres-unavailable"]);
    expect(logLines().filter(({ code }) => code === "request-failed")).toEqual([]);

    await postgres.restart();
    await waitFor(async () => (await get("/natural-persons/known")).status === 200);
    expect(outageCodes()).toEqual(["postgres-unavailable", "postgres-recovered"]);
    expect((await post(`/dead-letters/${unparsable}/discard`, { reason: "r" })).status).toBe(200);
  });

  test("a page that waits answers 503, and a stream ends after a whole event", async (context) => {
    const { postgres, get, send } = await startWithPostgres(context);
    const { next } = (await get("/changes")).json;
    const waiting = get(`/changes?after=${next}&wait=55`);
    const stream = await responseTo(send(`/changes?after=${next}`, { accept: "text/event-stream" }));
    const streamed = text(stream);
    await postgres.kill();
    expect((await waiting).status).toBe(503);
    await streamed;
    expect(stream.complete).toBe(true);
  });

  test("the console starts all the same", async (context) => {
    const { get, request } = await startTestConsole(context, {
      config: { DATABASE_URL: "postgres://127.0.0.1:1/none" },
    });
    expect((await get("/stats")).status).toBe(503);
    expect((await request("/openapi.json")).status).toBe(200);
  });
});
