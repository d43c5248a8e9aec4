import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { startTestConsole, TOKEN } from "../harness.ts";
import { openBrowser } from "./browser.ts";

test("a new installation is told what to do first", async (context) => {
  const browser = openBrowser(await startTestConsole(context));
  await browser.signIn(TOKEN);
  const { status, text } = await browser.get("/");
  expect(status).toBe(200);
  for (const words of ["No webhook has arrived yet", "dossier simulate", "None alive"])
    expect(text).toContain(words);
});

test("the worklist shows what needs a person, and no personal data", async (context) => {
  const console = await startTestConsole(context);
  const browser = openBrowser(console);
  await console.recordAndSettle(
    "not JSON",
    eventBody("a", { data: { entity: "Grace Hopper", email: "grace@navy.example" } }),
    eventBody("<script>alert(1)</script>", { data: { entity: "<b>Eve</b>" } }),
    eventBody("b", { event: "Natural<b>Person" }),
  );
  await browser.signIn(TOKEN);
  const { text } = await browser.get("/");
  for (const words of ["Dead letters: unparsable", "Natural&lt;b&gt;Person", "all are settled"])
    expect(text).toContain(words);
  for (const path of [
    "/deliveries?event=Natural%3Cb%3EPerson",
    ...["/deliveries", "/deliveries?status=open", "/system", "/queue"],
  ])
    expect(text).toContain(`href="${path}"`);
  for (const hidden of ["Grace", "Hopper", "navy", "<b>Eve", "<script>alert", "No webhook has arrived"])
    expect(text).not.toContain(hidden);
  const [, stuck = ""] = /href="([^"]+stuck=true[^"]+)">/.exec(text) ?? [];
  expect((await browser.get(stuck.replaceAll("&amp;", "&"))).text).toMatch(/<b>2 persons<\/b>.*script.*>a</s);
  const { json, text: answer } = await console.get("/worklist");
  expect(json).toMatchObject({
    health: { open: { count: 0, isMore: false }, oldestOpenAt: null, refused: [] },
    decisions: [
      { kind: "dead-letter", name: "unparsable", count: 1, isMore: false },
      { kind: "unknown-type", name: "Natural<b>Person", count: 1 },
    ],
    stuck: [{ status: "pending", afterHours: 72, count: 2, longest: [{}, { entityId: "a" }] }],
  });
  expect(json.persons).toContainEqual({ status: "pending", count: 2, isMore: false });
  expect(answer).not.toMatch(/Grace|navy|<b>Eve/);
});

test("what somebody decided is seen in the worklist at once", async (context) => {
  const console = await startTestConsole(context);
  const browser = openBrowser(console);
  const [deliveryId] = await console.recordAndSettle("not JSON");
  await browser.signIn(TOKEN);
  expect((await browser.get("/")).text).toContain("Dead letters: unparsable");
  await browser.post(`/deliveries/${deliveryId}/discard`, { reason: "noise" });
  expect((await browser.get("/")).text).not.toContain("Dead letters: unparsable");
});

test("what is snoozed leads to the snoozed deliveries alone", async (context) => {
  const console = await startTestConsole(context);
  const [id = ""] = await console.record(eventBody("a"));
  await console.rows(
    "update open_deliveries set snoozed_until = now() + interval '1 h' where delivery_id = $1",
    [id],
  );
  const browser = openBrowser(console);
  await browser.signIn(TOKEN);
  expect((await browser.get("/")).text).toContain('href="/failing?kind=snoozed"');
});

test("a page loads the console's own files alone, and may run and send nothing else", async (context) => {
  const browser = openBrowser(await startTestConsole(context));
  await browser.signIn(TOKEN);
  const { text, headers } = await browser.get("/");
  const [, nonce = ""] = / nonce="([^"]+)"/.exec(text) ?? [];
  expect(headers["content-security-policy"]).toBe(
    `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  );
  expect(headers).toMatchObject({ "referrer-policy": "same-origin", "cache-control": "no-store" });
  expect((await browser.get("/")).text).not.toContain(nonce);
  expect(text).not.toMatch(/https?:|\bstyle=|\bon[a-z]+=|<style/);
  let bytes = Buffer.byteLength(text);
  for (const [, path = ""] of text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
    expect(path).toMatch(/\/[a-z]+\.[0-9a-f]{16}\.(css|js|svg)$/);
    const asset = await browser.get(path, { "accept-encoding": "gzip" });
    expect([asset.status, asset.headers["cache-control"]]).toEqual([
      200,
      "public, max-age=31536000, immutable",
    ]);
    bytes += Number(asset.headers["content-length"]);
  }
  expect(text).toMatch(/\/assets\/uplot\..*\/assets\/charts\./s);
  expect(bytes).toBeLessThan(100 * 1024);
});

test("a page says so while Postgres fails, and which paths there are not", async (context) => {
  const console = await startTestConsole(context);
  const browser = openBrowser(console);
  await browser.signIn(TOKEN);
  await console.rows("alter table natural_persons rename to gone");
  const { status, text, headers } = await browser.get("/");
  expect([status, headers["content-type"]]).toEqual([503, "text/html; charset=UTF-8"]);
  expect(text).toContain("Postgres is unavailable");
  expect((await browser.post("/", {})).headers.allow).toBe("GET, HEAD");
});

test("the charts are tables of the last hour and day, with what was accepted and settled per second", async (context) => {
  const console = await startTestConsole(context);
  const report = (service: string, minutesAgo: number, counts: Record<string, number>) =>
    console.rows(
      `insert into instance_minutes (minute, service, instance_id, counts)
       select date_trunc('minute', now()) - $1 * interval '1 minute', $2, gen_random_uuid(), $3`,
      [minutesAgo, service, counts],
    );
  const applied = { "outcome/applied": 30, "applied-within-ms/20": 29, "applied-within-ms/500": 1 };
  await report("ingest", 5, { "webhook/accepted": 60, "webhook/unauthenticated": 60 });
  await report("worker", 5, { ...applied, "outcome/duplicate": 5, "outcome/failed": 100 });
  await report("ingest", 300, { "webhook/accepted": 1_800 });
  const browser = openBrowser(console);
  await browser.signIn(TOKEN);
  const { text } = await browser.get("/");
  const [hour = [], day = []] = [...text.matchAll(/<table data-chart.*?<\/table>/gs)].map(([table]) =>
    [...table.matchAll(/<tr>\s*<th scope="row">.*?<\/tr>/gs)].map(([row]) =>
      [...row.matchAll(/>\s*([^<>\s]+)\s*</g)].map(([, cell]) => cell),
    ),
  );
  expect([hour.length, day.length]).toEqual([60, 96]);
  expect(hour.filter(([, ...cells]) => cells.join() !== "0,0,–,–")).toEqual([
    [expect.stringMatching(/^\d\d:\d\d$/), "1", "0.583", "20", "500"],
  ]);
  expect(day.map(([, accepted]) => Number(accepted))).toContain(2);
  expect(day.every(([at = ""]) => /:(00|15|30|45)$/.test(at))).toBe(true);
});
