import { createToken, reveal, type Role } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { personPagePath } from "../../src/person-path.ts";
import { TOKEN, useConsole } from "../harness.ts";
import { openBrowser, type Browser } from "./browser.ts";

const at = (day: number) => `2026-01-0${day}T00:00:00.0000000Z`;
const upload = {
  event: "NaturalPersonUploadedID",
  data: { sessionId: "s-1", documentType: "Passport", entity: "Ada Canary" },
};
const EVIL = '<script>alert("1")</script> \u202Eevil\u0000';

const ids: Record<string, string> = {};
const shared = useConsole(async ({ recordAndSettle }) => {
  const pending = eventBody("a/ü", {
    id: "1",
    creationTimeUtc: at(3),
    data: { entity: "Ada Canary", email: "canary@mail.example" },
  });
  [ids["first"] = "", ids["late"] = "", ids["again"] = "", ids["dead"] = ""] = await recordAndSettle(
    pending,
    eventBody("a/ü", { id: "2", creationTimeUtc: at(2), ...upload }),
    pending,
    eventBody("a/ü", { id: "1", creationTimeUtc: at(3), data: { entity: "Canary Conflict" } }),
  );
  await recordAndSettle(
    eventBody("evil", { data: { entity: EVIL, email: EVIL } }),
    eventBody("evil", { event: "Something<b>", id: "2" }),
    eventBody("long", { data: { entity: "x".repeat(5_000) } }),
  );
});
const PATH = `/natural-persons/${encodeURIComponent("a/ü")}`;

async function signIn(role: Role): Promise<Browser> {
  const { token } = await createToken(shared().pool, { name: `Ada ${role}`, role, isService: false });
  const browser = openBrowser(shared());
  await browser.signIn(token);
  return browser;
}

const show = (browser: Browser, subject: string) =>
  reveal(shared().pool, {
    sessionId: browser.cookie.slice("dossier-session=".length),
    subject,
    who: "Ada",
    reason: "test",
  });
const chips = (text: string) =>
  [...text.matchAll(/<span class="chip[^"]*">\s*([^<]+?)\s*<\/span>/g)].map(([, chip]) => chip);

test("a person's page shows the timeline with out-of-order arrivals, redeliveries and dead letters, masked", async () => {
  const { status, text } = await (await signIn("viewer")).get(PATH);
  expect(status).toBe(200);
  expect(chips(text).filter((chip) => !/^learned \d+ d later$/.test(chip ?? ""))).toEqual([
    "ID uploaded",
    "dead letter: conflicting duplicate",
    "2 of 2 events",
    "delivered 2 times",
    "out of order",
  ]);
  for (const id of Object.values(ids)) expect(text).toContain(`href="/deliveries/${id}"`);
  for (const shown of [
    "A•• C•••",
    "c•••@m•••",
    "Passport",
    "<code><bdi>status</bdi></code>",
    "2 of 2 events",
  ])
    expect(text).toContain(shown);
  expect(text).not.toMatch(/canary|\/reveal|\/verify/i);
});

test("a person's page travels through both times by its URL, and shows the state of then", async () => {
  const browser = await signIn("viewer");
  const { items } = (await shared().get(`/events?entityId=${encodeURIComponent("a/ü")}`)).json;
  const before = (await browser.get(`${PATH}?asOf=${at(2)}`)).text;
  expect(before).toContain("1 of 2 events");
  expect(chips(before)).toContain("happened later");
  expect(before).toContain(`name="asOf" value="${at(2)}"`);
  const known = (await browser.get(`${PATH}?knownAt=2020-01-01T00:00:00Z`)).text;
  expect(known).toContain("Nothing was known of this person then");
  expect(known).toContain("0 of 2 events");
  const all = (await browser.get(`${PATH}?knownAt=${items[0].receivedAt}`)).text;
  expect(all).toContain("2 of 2 events");
  const refused = await browser.get(`${PATH}?asOf=yesterday`);
  expect(refused.status).toBe(400);
  expect(refused.text).toMatch(/value="yesterday"[^>]*aria-invalid="true"/);
  expect((await browser.get("/natural-persons/nobody")).status).toBe(404);
  expect((await browser.get("/natural-persons/a%00b")).status).toBe(404);
});

test("a page of the past says so, counts ages to then, and lists no delivery that came later", async () => {
  const browser = await signIn("viewer");
  const now = (await browser.get(PATH)).text;
  expect([now.includes("This is the past"), now.includes("Not in the log")]).toEqual([false, true]);
  const then = (await browser.get(`${PATH}?asOf=2026-01-05&knownAt=2026-01-05`)).text;
  expect(then).toContain("This is the past");
  expect(then).not.toContain("Not in the log");
  const { text } = await browser.get(`${PATH}?asOf=2026-01-05`);
  expect(
    / since .*?, (.*?) ago/s
      .exec(text)?.[1]
      ?.replace(/<[^>]*>/gs, "")
      .trim(),
  ).toBe("3 d");
  const list = (await browser.get("/natural-persons?asOf=2026-01-05")).text;
  expect(list).toMatch(/<time datetime="2026-01-03T[^>]*>2 d\s*</);
});

/** The labels of the axis with where they are, in percent. */
const ticksOf = (text: string) =>
  [...text.matchAll(/<text class="[^"]*" x="([\d.]+)%"[^>]*>([^<]+)</g)].map(
    ([, x, label = ""]) => [Number(x), label] as const,
  );

test("the axis has midnights, on the scale of the events", async () => {
  const [first, last] = ["2020-01-02T05:00:00Z", "2026-01-04T19:00:00Z"] as const;
  await shared().recordAndSettle(
    eventBody("axis", { creationTimeUtc: first }),
    eventBody("axis", { id: "2", event: "SomethingNew", creationTimeUtc: last }),
  );
  const { text } = await (await signIn("viewer")).get("/natural-persons/axis");
  const [from = 0, to = 0] = [...text.matchAll(/cx="([\d.]+)%" cy="30"/g)].map(([, x]) => Number(x));
  const share = (time: string) =>
    (Date.parse(time) - Date.parse(first)) / (Date.parse(last) - Date.parse(first));
  const ticks = ticksOf(text);
  expect(ticks.length).toBeGreaterThan(1);
  for (const [x, day] of ticks) {
    expect(day).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(x).toBeCloseTo(from + (to - from) * share(`${day}T00:00:00Z`), 1);
  }
});

test("an axis of hours says the day", async () => {
  const creationTimeUtc = new Date(Date.now() - 6 * 3_600_000).toISOString();
  await shared().recordAndSettle(eventBody("hours", { creationTimeUtc }));
  const ticks = ticksOf((await (await signIn("viewer")).get("/natural-persons/hours")).text);
  expect(ticks.length).toBeGreaterThan(1);
  for (const [n, [, label]] of ticks.entries())
    expect(label).toMatch(n === 0 ? /^\d{4}-\d\d-\d\d/ : /^(\d\d:\d\d|\d{4}-\d\d-\d\d)$/);
});

test("a revealed person is shown in full to that session alone, until the reveal ends", async () => {
  const [browser, other] = [await signIn("operator"), await signIn("operator")];
  expect((await browser.get(PATH)).text).toContain(`action="${PATH}/reveal"`);
  await show(browser, "a/ü");
  const { text } = await browser.get(PATH);
  for (const shown of ["Ada Canary", "canary@mail.example", "revealed to you"]) expect(text).toContain(shown);
  expect((await other.get(PATH)).text).not.toMatch(/canary/i);
  await shared().rows("alter table reveals disable trigger append_only");
  await shared().rows("update reveals set revealed_at = now() - interval '901 s'");
  await shared().rows("alter table reveals enable trigger append_only");
  expect((await browser.get(PATH)).text).not.toMatch(/canary/i);
});

test("names with markup, other directions, NUL and 5,000 characters do no harm, revealed or not", async () => {
  const browser = await signIn("operator");
  for (const isRevealed of [false, true]) {
    if (isRevealed) for (const id of ["evil", "long"]) await show(browser, id);
    const [evil, long] = [
      await browser.get("/natural-persons/evil"),
      await browser.get("/natural-persons/long"),
    ];
    expect([evil.status, long.status]).toEqual([200, 200]);
    expect(evil.text).not.toMatch(/<script>alert|<b>\s*<\/bdi>/);
    expect(evil.text).toContain("Something&lt;b&gt;");
    expect(evil.text).not.toContain("Something<b>");
    expect(evil.text.includes("&lt;script&gt;alert")).toBe(isRevealed);
    // Nothing turns the direction of what follows it.
    expect(evil.text.replaceAll(/<bdi[^>]*>[^<]*<\/bdi>/g, "")).not.toContain("\u202E");
    expect(long.text.includes("xxx")).toBe(isRevealed);
    expect(long.text.length).toBeLessThan(60_000);
  }
});

test("a name in a field that is no name's is masked on the page and in the API until it is revealed", async () => {
  await shared().recordAndSettle(
    eventBody("odd", { ...upload, data: { sessionId: "Canary.Bird", documentType: "Canary Bird" } }),
    eventBody("odd", { event: "NaturalPersonAutoApproved", id: "2", data: { entityStatus: "Canary" } }),
  );
  const path = "/natural-persons/odd";
  const browser = await signIn("operator");
  const { token } = await createToken(shared().pool, { name: "Vera", role: "viewer", isService: false });
  const viewer = { authorization: `Bearer ${token}` };
  const answers = [
    await browser.get(path),
    await shared().get(path, viewer),
    await shared().get(`${path}/events`, viewer),
    await shared().get("/changes?entityId=odd", viewer),
  ];
  for (const { status, text } of answers) expect([status, /canary/i.test(text)]).toEqual([200, false]);
  await show(browser, "odd");
  expect((await browser.get(path)).text).toContain("Canary Bird");
});

test("evidence is verified now, on demand, and the page and the audit log say by whom and what was found", async () => {
  const browser = await signIn("operator");
  const { status, headers } = await browser.post(`${PATH}/verify`);
  expect([status, headers.location]).toEqual([303, `${PATH}#evidence`]);
  const verified = async () => chips((await browser.get(PATH)).text).at(-1);
  expect(await verified()).toBe("verified");
  const { items } = (await shared().get("/audit?action=verified")).json;
  expect(items).toMatchObject([
    { who: "Ada operator", subject: "a/ü", detail: { entries: 3, wrong: 0, failed: "" } },
  ]);
  await shared().rows("alter table events disable trigger all");
  const tamper = (hash: string) =>
    shared().rows(`update events set hash = ${hash} where entity_id = 'a/ü' and seq = 1`);
  const [{ hash } = { hash: "" }] = await shared().rows<{ hash: string }>(
    "select encode(hash, 'hex') as hash from events where entity_id = 'a/ü' and seq = 1",
  );
  await tamper("'\\x00'");
  await browser.post(`${PATH}/verify`);
  expect(await verified()).toMatch(/^\d wrong$/);
  await tamper(`'\\x${hash}'`);
  await shared().rows("alter table events enable trigger all");
});

test("more deliveries that are not in the log than a page lists are one link away", async () => {
  const { text } = await (await signIn("viewer")).get(PATH);
  expect(text).not.toContain("All deliveries of this person");
  await shared().record(...Array.from({ length: 22 }, (_, n) => eventBody("many &", { id: String(n) })));
  const many = (await (await signIn("viewer")).get("/natural-persons/many%20%26")).text;
  expect(many).toContain('href="/deliveries?entityId=many+%26">All deliveries of this person');
});

test("evidence is downloaded by whoever has revealed the person, and that is in the audit log", async () => {
  const browser = await signIn("operator");
  expect((await browser.post(`${PATH}/evidence`)).status).toBe(403);
  await show(browser, "a/ü");
  const { status, headers, text } = await browser.post(`${PATH}/evidence`);
  expect([status, headers["content-disposition"]]).toEqual([200, 'attachment; filename="evidence.jsonl"']);
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { line: string });
  expect([lines[0]?.line, lines.at(-1)?.line]).toEqual(["header", "end"]);
  expect((await shared().get("/audit?action=exported")).json.items).toMatchObject([
    { who: "Ada operator", subject: "a/ü", detail: { what: "evidence" } },
  ]);
});

test("a viewer verifies and exports nothing, and no form is taken from elsewhere", async () => {
  const [viewer, operator] = [await signIn("viewer"), await signIn("operator")];
  await show(viewer, "a/ü");
  for (const action of ["verify", "evidence", "reveal"]) {
    expect((await viewer.post(`${PATH}/${action}`, { reason: "x" })).status).toBe(403);
    const headers = { origin: "https://evil.example" };
    expect((await operator.post(`${PATH}/${action}`, { reason: "x" }, headers)).status).toBe(403);
  }
});

test("each id has a path of its own on the pages and in the API, whatever clients do to paths", async () => {
  const browser = await signIn("operator");
  const ask = async (path: string) => {
    const url = `http://127.0.0.1:${shared().port}/api/v1${path}`;
    return (await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } })).json();
  };
  for (const entityId of [".", "..", "~.", "~~..", "search", "export", "~", "%2e", "../x", "a/.."]) {
    await shared().recordAndSettle(eventBody(entityId, { event: "SomethingNew" }));
    const path = personPagePath(entityId);
    expect(new URL(path, "http://console.test").pathname).toBe(path);
    expect(await ask(path)).toMatchObject({ entityId, version: 1 });
    expect(await ask(`${path}/events`)).toMatchObject({ items: [{ event: "SomethingNew" }] });
    expect((await browser.get(path)).text).toContain(`<code><bdi>${entityId}</bdi></code>`);
    const { headers } = await browser.post(`${path}/reveal`, { reason: "test" });
    expect(headers.location).toBe(path);
    expect((await browser.get(path)).text).toContain("revealed to you");
  }
  const list = (await browser.get("/natural-persons")).text;
  for (const path of ["~.", "~..", "~~.", "~search"]) expect(list).toContain(`"/natural-persons/${path}"`);
});
