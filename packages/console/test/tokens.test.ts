import { createToken, listTokens, revokeToken, type Role } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { waitFor } from "@dossier/testing";
import { describe, expect, test } from "vitest";
import { createDatabase, startTestConsole, TOKEN, useConsole, type TestConsole } from "./harness.ts";
import { responseTo } from "./http.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function create({ pool }: TestConsole, role: Role, expiresIn?: number): Promise<string> {
  const { token } = await createToken(pool, { name: `Ada (${role})`, role, isService: false, expiresIn });
  return token;
}

describe("a token", () => {
  const shared = useConsole();

  test.for([
    ["viewer", 403],
    ["operator", 200],
    ["admin", 200],
  ] as const)("of the role %s reads, and is answered %i to a decision", async ([role, answer]) => {
    const { get, post, recordAndSettle } = shared();
    const [id = ""] = await recordAndSettle("{");
    const token = bearer(await create(shared(), role));
    expect((await get("/dead-letters", token)).status).toBe(200);
    const { status, json } = await post(`/dead-letters/${id}/discard`, { reason: "noise" }, token);
    expect([status, json.code]).toEqual([answer, answer === 403 ? "forbidden" : undefined]);
    const selection = { action: "redrive", filter: { text: id }, reason: "none" };
    const bulk = await post("/bulk-actions", selection, token);
    expect(bulk.status).toBe(answer === 403 ? 403 : 201);
    for (const step of ["confirm", "abort"])
      expect((await post(`/bulk-actions/2147483647/${step}`, {}, token)).status).toBe(
        answer === 403 ? 403 : 404,
      );
    expect((await get("/bulk-actions", token)).status).toBe(200);
    const { decisions } = (await get(`/dead-letters/${id}`)).json;
    const { status: audited } = await get("/audit", token);
    expect(audited).toBe(role === "admin" ? 200 : 403);
    expect(decisions).toMatchObject(answer === 403 ? [] : [{ decidedBy: `Ada (${role})` }]);
  });

  test("that is revoked or expired is refused from the next request on", async () => {
    const { get, pool } = shared();
    const token = await create(shared(), "viewer");
    expect((await get("/stats", bearer(token))).status).toBe(200);
    const { tokenId } = (await listTokens(pool)).at(-1)!;
    await revokeToken(pool, tokenId);
    const expired = await create(shared(), "viewer", 0);
    for (const [refused, reason] of [
      [token, "revoked"],
      [expired, "expired"],
    ] as const) {
      const { status, json } = await get("/stats", bearer(refused));
      expect([status, json.detail]).toEqual([401, expect.stringContaining(reason)]);
    }
  });

  test("has its last use recorded beside the request, once for many requests", async () => {
    const { get, pool, rows } = shared();
    const token = await create(shared(), "viewer");
    await rows("create table writes as select token_id from tokens limit 0");
    await rows(
      "create rule count_writes as on update to tokens do also insert into writes values (old.token_id)",
    );
    await Promise.all(Array.from({ length: 20 }, () => get("/stats", bearer(token))));
    await waitFor(async () => (await listTokens(pool)).at(-1)?.lastUsedAt);
    await get("/stats", bearer(token));
    expect(await rows("select from writes")).toHaveLength(1);
  });
});

describe("without DOSSIER_API_TOKEN", () => {
  test("the first token that is created ends access without one, also after it is revoked", async (context) => {
    const console = await startTestConsole(context, { config: { DOSSIER_API_TOKEN: undefined } });
    const { request, get, pool } = console;
    expect((await request("/api/v1/stats")).status).toBe(200);
    const token = await create(console, "viewer");
    expect((await request("/api/v1/stats")).status).toBe(401);
    expect((await get("/stats", bearer(token))).status).toBe(200);
    await revokeToken(pool, 1);
    expect((await request("/api/v1/stats")).status).toBe(401);
  });

  test("a console whose record has a token listens on every address", async (context) => {
    const url = await createDatabase(context);
    const config = { DATABASE_URL: url, DOSSIER_API_TOKEN: undefined };
    const first = await startTestConsole(context, { config });
    await create(first, "viewer");
    const second = await startTestConsole(context, { config });
    const listening = [first, second].map(({ logLines }) =>
      logLines().find(({ code }) => code === "listening"),
    );
    expect(listening).toMatchObject([{ loopbackOnly: true }, { loopbackOnly: false }]);
  });

  test("a console that cannot read whether there are tokens does not start", async (context) => {
    const config = { DATABASE_URL: "postgres://127.0.0.1:1/none", DOSSIER_API_TOKEN: undefined };
    await expect(startTestConsole(context, { config })).rejects.toThrow("Without DOSSIER_API_TOKEN");
  });
});

describe("failed sign-ins", () => {
  test("are counted by reason, and summed up in the log", async (context) => {
    const { request, get, getOps, logLines } = await startTestConsole(context);
    await request("/api/v1/stats");
    for (let n = 0; n < 20; n++) await get("/stats", bearer(`wrong ${n}`));
    const { text } = await getOps("/metrics");
    expect(text).toContain('dossier_failed_sign_ins_total{reason="missing"} 1\n');
    expect(text).toContain('dossier_failed_sign_ins_total{reason="unknown"} 20\n');
    const lines = logLines().filter(({ code }) => code === "sign-in-failed");
    expect(lines[0]).toMatchObject({ level: "warn", reason: "missing" });
    expect(lines.length).toBeLessThan(20);
  });

  test("are in the audit log: the first at once, others summed up, and none of a request without a token", async (context) => {
    const { request, get, pool, rows, close } = await startTestConsole(context);
    const revoked = await createToken(pool, { name: "Eve", role: "viewer", isService: false });
    await revokeToken(pool, revoked.tokenId);
    await request("/api/v1/stats");
    for (let n = 0; n < 9; n++) await get("/stats", bearer(`wrong ${n}`));
    await get("/stats", bearer(revoked.token));
    const read = async () => (await get("/audit")).json.items;
    const [first] = await waitFor(read, (items) => items.length > 0);
    expect(first).toMatchObject({ action: "sign-in-failed", who: null, reason: "unknown", subject: null });
    await close();
    expect(
      await rows(
        `select who, reason, sum((detail ->> 'failures')::int)::int as failures
         from audit_log where action = 'sign-in-failed' group by 1, 2 order by 1`,
      ),
    ).toEqual([
      { who: "Eve", reason: "revoked", failures: 1 },
      { who: null, reason: "unknown", failures: 9 },
    ]);
    expect((await rows("select from audit_log where action = 'sign-in-failed'")).length).toBeLessThan(6);
  });

  test("are answered late, right ones at once, and only so many wait", async (context) => {
    const console = await startTestConsole(context, { failedSignInDelayMs: 3_600_000 });
    const { send, get, getOps, close } = console;
    const failed = Array.from({ length: 130 }, () => send("/stats", bearer("wrong")));
    let answered = 0;
    const answers = failed.map(async (request) => {
      const response = await responseTo(request);
      response.resume();
      answered += 1;
      return response.statusCode;
    });
    const counted = async () => (await getOps("/metrics")).text;
    await waitFor(counted, (text) => text.includes('dossier_failed_sign_ins_total{reason="unknown"} 130'));
    await waitFor(() => answered === 30);
    expect((await get("/stats")).status).toBe(200);
    expect(answered).toBe(30);
    await close();
    expect(new Set(await Promise.all(answers))).toEqual(new Set([401]));
  });
});

test("a token is accepted from the variable while Postgres cannot be read", async (context) => {
  const { get, rows, recordAndSettle } = await startTestConsole(context);
  await recordAndSettle(eventBody("known"));
  await rows("alter table tokens rename to gone");
  expect((await get("/natural-persons/known", bearer(TOKEN))).status).toBe(200);
  expect((await get("/natural-persons/known", bearer(`dossier_${"x".repeat(43)}`))).status).toBe(503);
});
