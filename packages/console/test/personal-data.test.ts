import { once } from "node:events";
import { createLogger } from "@dossier/service";
/** Who gets personal data from the API, and what the audit log says of it. */
import { createToken, recordFailedAttempt, snooze } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { waitFor } from "@dossier/testing";
import { captureLog } from "@dossier/testing";
import { describe, expect, test } from "vitest";
import { recordUnmaskedReads } from "../src/unmasked-reads.ts";
import { startTestConsole, useConsole } from "./harness.ts";
import { exchange, responseTo } from "./http.ts";
import { openBrowser } from "./pages/browser.ts";

const CANARIES = ["Grace", "Hopper", "navy.example", Buffer.from("Hopper").toString("base64").slice(0, 6)];
const DATA = { entity: "Grace Hopper", email: "grace@navy.example" };

let applied = "";
let dead = "";

const shared = useConsole(async ({ recordAndSettle }) => {
  [applied = ""] = await recordAndSettle(eventBody("a person", { data: DATA }));
  const conflict = eventBody("a person", { data: { ...DATA, entity: "Hopper" } });
  [dead = ""] = await recordAndSettle(conflict);
  await recordAndSettle(eventBody("another", { data: DATA }));
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function create(name: string, isService: boolean) {
  const { token } = await createToken(shared().pool, { name, role: "operator", isService });
  return bearer(token);
}

/** Every read of personal data: its operation, its subject and its path. */
const reads = () =>
  [
    ["listNaturalPersons", null, "/natural-persons"],
    ["listNaturalPersons", "a person", "/natural-persons?entityId=a%20person"],
    ["getNaturalPerson", "a person", "/natural-persons/a%20person"],
    ["listNaturalPersonEvents", "a person", "/natural-persons/a%20person/events"],
    ["getTimeline", "a person", "/natural-persons/a%20person/timeline"],
    ["listEvents", "a person", "/events?entityId=a%20person"],
    ["getDelivery", "a person", `/deliveries/${applied}`],
    ["getDeadLetter", "a person", `/dead-letters/${dead}`],
    ["listChanges", null, "/changes"],
  ] as const;

test("a person's token gets every answer masked, and the audit log says nothing of it", async () => {
  const { get, post } = shared();
  const ada = await create("Ada", false);
  const search = await post("/natural-persons/search", { q: "Hopper" }, ada);
  const dryRun = await post("/dead-letters/redrive", { deliveryIds: [dead], dryRun: true }, ada);
  const answers = await Promise.all(reads().map(([, , path]) => get(path, ada)));
  for (const { status, text } of [search, dryRun, ...answers]) {
    expect(status).toBe(200);
    for (const canary of CANARIES) expect(text).not.toContain(canary);
  }
  expect(search.json.items).toMatchObject([
    { entityId: "a person", name: "G••• H•••", email: "g•••@n•••" },
    { entityId: "another" },
  ]);
  expect((await get("/audit?who=Ada")).json.items).toEqual([]);
});

test("a service's token gets every answer unmasked, and each request is in the audit log", async () => {
  const { get, post } = shared();
  const feed = await create("feed", true);
  for (const [, , path] of reads()) expect((await get(path, feed)).text).toMatch(/Hopper/);
  await post("/natural-persons/search", { q: "Hopper" }, feed);
  const items = await waitFor(
    async () => (await get("/audit?who=feed")).json.items as { subject: string | null; detail: object }[],
    (found) => found.length === reads().length + 1,
  );
  expect(items.map(({ subject, detail }) => [detail, subject]).toReversed()).toEqual([
    ...reads().map(([operation, subject]) => [{ operation }, subject]),
    [{ operation: "searchNaturalPersons" }, null],
  ]);
  expect(JSON.stringify(items)).not.toContain("Hopper");
});

test("the text that a bulk action searched for is masked in every answer, on its pages and in the audit log", async () => {
  const { get, post, pool } = shared();
  const ada = await create("Ada bulk", false);
  const filter = { text: "Hopper", reason: "stalled" };
  const made = await post("/bulk-actions", { action: "discard", filter, reason: "noise" }, ada);
  const path = `/bulk-actions/${made.json.bulkActionId}`;
  const started = await post("/dead-letters/discard", { filter, reason: "noise" }, ada);
  const { token } = await createToken(pool, { name: "Olga", role: "operator", isService: false });
  const browser = openBrowser(shared());
  await browser.signIn(token);
  const answers = [
    made,
    started,
    await get(path, ada),
    await get("/bulk-actions", ada),
    await post(`${path}/abort`, {}, ada),
    await browser.get("/bulk-actions"),
    await browser.get(path),
  ];
  expect(answers.map(({ status }) => status)).toEqual([201, 202, 200, 200, 200, 200, 200]);
  for (const { text } of answers) {
    expect(text).not.toContain("Hopper");
    expect(text).toMatch(/•••/);
  }
  expect((await get("/audit")).text).not.toContain("Hopper");
  const feed = await create("feed bulk", true);
  expect((await get(path, feed)).json.filter).toEqual(filter);
  await waitFor(
    async () => (await get("/audit?who=feed%20bulk")).json.items as { detail: object }[],
    ([entry]) => JSON.stringify(entry?.detail) === '{"operation":"getBulkAction"}',
  );
});

test("what an unexpected error says is shown to nobody before a reveal, neither by a page nor by the API", async () => {
  const { get, post, pool, record, recordAndExhaust, rows } = shared();
  const error = "TypeError: no Canary Person";
  const exhausted = await recordAndExhaust(eventBody("canary"), error);
  const [failing = "", snoozed = ""] = await record(...["2", "3"].map((id) => eventBody("canary", { id })));
  const stack = "    at Canary (evolve.ts:1:1)";
  await recordFailedAttempt(pool, { deliveryId: failing, error, stack, codeVersion: "test" }, [60_000]);
  await snooze(pool, snoozed, "DatabaseError 57014: no Canary Person");
  const ada = await create("Ada errors", false);
  const { token } = await createToken(pool, { name: "Olga errors", role: "admin", isService: false });
  const browser = openBrowser(shared());
  await browser.signIn(token);
  const ids = [exhausted, failing, snoozed];
  const pages = [
    "/",
    "/failing",
    "/dead-letters",
    "/queue",
    "/audit",
    "/natural-persons/canary",
    "/deliveries",
  ];
  const paths = ["/failing-deliveries", "/dead-letters", "/natural-persons/canary/deliveries"];
  const read = async () => [
    ...(await Promise.all(
      [...pages, ...ids.map((id) => `/deliveries/${id}`)].map((path) => browser.get(path)),
    )),
    ...(await Promise.all([...paths, "/deliveries?entityId=canary"].map((path) => get(path, ada)))),
    ...(await Promise.all(ids.map((id) => get(`/deliveries/${id}`, ada)))),
    await get(`/dead-letters/${exhausted}`, ada),
  ];
  for (const { status, text } of await read()) {
    expect(status).toBe(200);
    expect(text).not.toContain("Canary");
  }
  expect((await browser.get("/failing")).text).toContain("DatabaseError 57014: •••");

  await post("/natural-persons/canary/reveal", { reason: "ticket 8" }, ada);
  expect((await get(`/deliveries/${failing}`, ada)).json.failedAttempts).toMatchObject([{ error, stack }]);
  expect((await get("/natural-persons/canary/deliveries", ada)).text).toContain("Canary");
  expect((await get("/failing-deliveries", ada)).text).not.toContain("Canary");
  expect((await get("/failing-deliveries", await create("feed errors", true))).text).toContain("Canary");
  expect(await rows("select message from dead_letters where message like '%Canary%'")).toEqual([]);
});

test("a dry run shows of an unexpected error its class and its code, and to a service all of it", async () => {
  const { post, pool, recordAndExhaust } = shared();
  const id = await recordAndExhaust(eventBody("would fail"));
  await pool.query(`create function public.refuse(data json) returns boolean language plpgsql as
    $$ begin raise exception 'cannot take "%"', data; end $$`);
  await pool.query("alter table events add constraint refused check (public.refuse(data)) not valid");
  const run = (caller: Record<string, string>) =>
    post("/dead-letters/redrive", { deliveryIds: [id], dryRun: true }, caller);
  const masked = (await run(await create("Ada dry", false))).json.unsettled;
  const { json } = await run(await create("feed dry", true));
  await pool.query("alter table events drop constraint refused");
  expect(masked).toMatchObject([{ error: { type: "DatabaseError", code: "P0001", message: "•••" } }]);
  expect(masked[0].error.stack).toBeUndefined();
  expect(json.unsettled[0].error.message).toContain("John Doe");
});

test("a reveal shows one person to one token, with the reason in the audit log", async () => {
  const { get, post } = shared();
  const [ada, grace] = [await create("Ada 2", false), await create("Grace 2", false)];
  const path = "/natural-persons/a%20person";
  expect((await post(`${path}/reveal`, {}, ada)).status).toBe(400);
  expect((await post(`${path}/reveal`, { reason: "x".repeat(501) }, ada)).status).toBe(400);
  expect((await post("/natural-persons/nobody/reveal", { reason: "ticket 7" }, ada)).status).toBe(404);
  const { status, json } = await post(`${path}/reveal`, { reason: "ticket 7" }, ada);
  expect([status, json.entityId]).toEqual([200, "a person"]);
  const minutes = (Date.parse(json.revealedUntil) - Date.now()) / 60_000;
  expect([minutes > 14, minutes < 16]).toEqual([true, true]);
  expect((await get(path, ada)).json.name).toBe("Grace Hopper");
  expect((await get(`/deliveries/${applied}`, ada)).text).toContain("Hopper");
  for (const [other, token] of [
    ["/natural-persons/another", ada],
    ["/natural-persons", ada],
    [path, grace],
  ] as const)
    expect((await get(other, token)).text).not.toContain("Hopper");
  const items = await waitFor(
    async () => (await get("/audit?who=Ada%202")).json.items,
    (found) => found.length === 3,
  );
  expect(items).toMatchObject([
    { action: "read", subject: "a person", detail: { operation: "getDelivery" } },
    { action: "read", subject: "a person", detail: { operation: "getNaturalPerson" } },
    { action: "revealed", subject: "a person", reason: "ticket 7" },
  ]);
});

test("persons are exported masked for people and unmasked for services, which the audit log says", async () => {
  const { get, post } = shared();
  const [ada, feed] = [await create("Ada csv", false), await create("feed csv", true)];
  const search = { q: "Hopper", status: "pending" };
  const masked = await post("/natural-persons/export", search, ada);
  expect([masked.status, masked.headers["content-disposition"]]).toEqual([
    200,
    'attachment; filename="persons.csv"',
  ]);
  const [head, ...lines] = masked.text.trimEnd().split("\r\n");
  expect(head).toMatch(/"entityId","name","email"/);
  expect(lines.map((line) => line.split(",").slice(0, 3))).toEqual([
    ['"a person"', '"G••• H•••"', '"g•••@n•••"'],
    ['"another"', '"G••• H•••"', '"g•••@n•••"'],
  ]);
  expect((await post("/natural-persons/export", search, feed)).text).toContain('"Grace Hopper"');
  const { token } = await createToken(shared().pool, { name: "Vera", role: "viewer", isService: true });
  expect((await post("/natural-persons/export", {}, bearer(token))).status).toBe(403);
  const { items } = (await get("/audit?action=exported")).json;
  const detail = { list: "natural-persons", status: "pending", searched: "yes" };
  expect(items.slice(0, 2)).toMatchObject([
    { who: "feed csv", detail: { ...detail, unmasked: "yes" } },
    { who: "Ada csv", detail },
  ]);
  expect(items[1].detail).not.toHaveProperty("unmasked");
  expect(JSON.stringify(items)).not.toContain("Hopper");
});

test("evidence is exported to a service, and to a person to whom the subject is revealed", async () => {
  const { get, post } = shared();
  const [ada, feed] = [await create("Ada evidence", false), await create("feed evidence", true)];
  const path = "/natural-persons/a%20person";
  const refused = await get(`${path}/evidence`, ada);
  expect([refused.status, refused.json.code]).toEqual([403, "not-revealed"]);
  await post(`${path}/reveal`, { reason: "ticket 8" }, ada);
  for (const token of [ada, feed]) {
    const { status, text } = await get(`${path}/evidence`, token);
    const lines = text.trimEnd().split("\n");
    const kinds = lines.map((line) => (JSON.parse(line) as { line: string }).line);
    expect([status, kinds[0], kinds.at(-1)]).toEqual([200, "header", "end"]);
  }
  expect((await get("/natural-persons/nobody/evidence", feed)).status).toBe(404);
  const { items } = (await get("/audit?action=exported&subject=a%20person")).json;
  expect(items).toMatchObject([
    { who: "feed evidence", detail: { what: "evidence" } },
    { who: "Ada evidence", detail: { what: "evidence" } },
  ]);
});

test("HEAD of an export makes none, and is in no audit log", async () => {
  const { get, port, pool } = shared();
  const { token } = await createToken(pool, { name: "head", role: "admin", isService: true });
  for (const [path, name] of [
    ["/natural-persons/a%20person/evidence", "evidence.jsonl"],
    ["/audit/export?format=json", "audit.json"],
  ]) {
    const answer = await exchange(port, `/api/v1${path}`, { method: "HEAD", headers: bearer(token) });
    expect([answer.status, answer.headers["content-disposition"]]).toEqual([
      200,
      `attachment; filename="${name}"`,
    ]);
  }
  expect((await get("/audit?who=head")).json.items).toEqual([]);
});

test("evidence is verified now, and what was found is read by whoever may view", async () => {
  const { get, post, pool } = shared();
  const path = "/natural-persons/another/verification";
  expect((await get(path)).status).toBe(404);
  const ada = await create("Ada verifies", false);
  const found = { who: "Ada verifies", entries: 1, wrong: 0, failed: "" };
  expect((await post(path, {}, ada)).json).toMatchObject(found);
  const { token } = await createToken(pool, { name: "Vera", role: "viewer", isService: false });
  expect((await get(path, bearer(token))).json).toMatchObject(found);
  expect((await post(path, {}, bearer(token))).status).toBe(403);
  expect((await get("/audit?action=verified&subject=another")).json.items).toMatchObject([
    { who: "Ada verifies" },
  ]);
});

test("a stream of changes is masked for a person's token, and one entry of the audit log for a service's", async () => {
  const { send, get } = shared();
  for (const isService of [false, true]) {
    const token = await create(`stream ${isService}`, isService);
    const sent = send("/changes", { ...token, accept: "text/event-stream" });
    const response = await responseTo(sent);
    const [chunk] = (await once(response, "data")) as [Buffer];
    expect(chunk.toString().includes("Hopper")).toBe(isService);
    sent.destroy();
  }
  const entries = async (who: string) => (await get(`/audit?who=${who}`)).json.items;
  await waitFor(
    () => entries("stream%20true"),
    (items) => expect(items).toMatchObject([{ detail: { operation: "listChanges" } }]),
  );
  expect(await entries("stream%20false")).toEqual([]);
});

test("without any token, personal data is masked", async (context) => {
  const { request, recordAndSettle } = await startTestConsole(context, {
    config: { DOSSIER_API_TOKEN: undefined },
  });
  await recordAndSettle(eventBody("a", { data: DATA }));
  expect((await request("/api/v1/natural-persons")).text).not.toContain("Hopper");
});

test("what waits for the audit log is written at shutdown", async (context) => {
  const { get, rows, close } = await startTestConsole(context);
  await Promise.all(Array.from({ length: 30 }, () => get("/natural-persons")));
  await close();
  expect(await rows("select from audit_log where action = 'read'")).toHaveLength(30);
});

describe("the entries that wait", () => {
  const log = createLogger({ service: "console", level: "silent", destination: captureLog() });
  const entry = (n: number) => ({ who: "feed", action: "read", detail: { n } }) as const;

  test("are written in batches, in order, and again if that failed", async () => {
    const written: number[][] = [];
    let failures = 1;
    const reads = recordUnmaskedReads(async (entries) => {
      await new Promise(setImmediate);
      if (failures-- > 0) throw new Error("postgres is away");
      written.push(entries.map(({ detail }) => Number(detail?.["n"])));
    }, log);
    for (let n = 0; n < 1_200; n++) reads.record(entry(n));
    await waitFor(() => written.flat().length === 1_200);
    expect(written.map(({ length }) => length)).toEqual([500, 500, 200]);
    expect(written.flat()).toEqual(Array.from({ length: 1_200 }, (_, n) => n));
    await reads.stop();
  });

  test("are bounded", async () => {
    const reads = recordUnmaskedReads(() => Promise.reject(new Error("postgres is away")), log, 3);
    for (let n = 0; n < 3; n++) reads.record(entry(n));
    expect(() => reads.record(entry(3))).toThrow("no room");
    await reads.stop();
  });
});

test("a request that cannot be audited is answered 503", async (context) => {
  const { get, rows } = await startTestConsole(context, { maxWaitingReads: 2 });
  await rows("alter table audit_log rename to gone");
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await get("/natural-persons")).status);
  expect(statuses).toEqual([200, 200, 503]);
  expect((await get("/stats")).status).toBe(200);
});
