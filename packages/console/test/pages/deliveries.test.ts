import { countStall, createToken, discard, recordDeliveries } from "@dossier/store";
import { delivery, eventBody, UNPARSABLE_BODY } from "@dossier/store/fixtures";
import { describe, expect, test } from "vitest";
import { TOKEN, useConsole } from "../harness.ts";
import { openBrowser, type Browser } from "./browser.ts";

const shared = useConsole();

async function signedIn(token = TOKEN) {
  const browser = openBrowser(shared());
  await browser.signIn(token);
  return browser;
}

const idsOf = (text: string) => [...text.matchAll(/"\/deliveries\/([\w-]+)"/g)].map(([, id]) => id);

/** Reveals the payload of a delivery, and returns its page. */
async function revealed(browser: Browser, id: string): Promise<string> {
  const { text } = await browser.get(`/deliveries/${id}`);
  const [, action = ""] = /action="(\/natural-persons\/[^"]+\/reveal)"/.exec(text) ?? [];
  const { headers } = await browser.post(action, { reason: "a test", next: `/deliveries/${id}` });
  expect(headers.location).toBe(`/deliveries/${id}`);
  return (await browser.get(`/deliveries/${id}`)).text;
}

test("all deliveries are listed, the latest first, filtered by what the URL says and in pages", async () => {
  const browser = await signedIn();
  const ids = await shared().record(
    ...Array.from({ length: 51 }, (_, n) => eventBody("listed", { id: `${n}` })),
  );
  const [applied] = await shared().recordAndSettle(eventBody("listed", { id: "x", event: "Listed<b>" }));
  const other = delivery(eventBody("other"), { secretFingerprint: "sha256:listed" });
  await recordDeliveries(shared().pool, [other]);
  const first = (await browser.get("/deliveries?entityId=listed&event=")).text;
  const [, next = ""] = /href="([^"]+)" rel="next"/.exec(first) ?? [];
  const second = (await browser.get(`/deliveries${next.replaceAll("&amp;", "&")}`)).text;
  expect([...idsOf(first), ...idsOf(second)]).toEqual([applied, ...ids.toReversed()]);
  expect(first).toContain("<bdi>Listed&lt;b&gt;</bdi>");
  const path = (params: Record<string, string>) => `/deliveries?${new URLSearchParams(params).toString()}`;
  for (const [filter, found] of [
    [{ event: "Listed<b>" }, [applied]],
    [{ secret: "sha256:listed" }, [other.deliveryId]],
    [{ status: "applied", entityId: "listed" }, [applied]],
    [{ since: "2100-01-01T00:00:00Z" }, []],
  ] as const)
    expect(idsOf((await browser.get(path(filter))).text)).toEqual(found);
  expect((await browser.get("/deliveries?status=lost")).status).toBe(400);
});

test("an operator searches payloads for a text, which stands in no URL, and a viewer does not", async () => {
  const browser = await signedIn();
  const [id] = await shared().record(eventBody("sought", { data: { message: "needle <1>" } }));
  const { status, headers } = await browser.post("/deliveries", {
    text: "needle <1>",
    entityId: "sought",
    event: "",
  });
  const found = headers.location ?? "";
  expect([status, found]).toEqual([
    303,
    expect.stringMatching(/^\/deliveries\?entityId=sought&search=[\w-]+$/),
  ]);
  const { text } = await browser.get(found);
  expect([idsOf(text), text.includes('value="needle &lt;1&gt;"')]).toEqual([[id], true]);
  const other = await browser.post("/deliveries", { text: "needle 2", entityId: "sought" });
  expect(idsOf((await browser.get(other.headers.location ?? "")).text)).toEqual([]);
  const { token } = await createToken(shared().pool, { name: "Vera", role: "viewer", isService: false });
  const viewer = await signedIn(token);
  expect((await viewer.post("/deliveries", { text: "needle" })).status).toBe(403);
  expect((await viewer.get(found)).status).toBe(400);
  expect((await viewer.get("/deliveries")).text).not.toContain('name="text"');
});

describe("the page of a delivery", () => {
  test("says what is wrong with a dead letter, marks the place, and shows its payload masked", async () => {
    const browser = await signedIn();
    const body = eventBody("known", { id: "9", data: { entity: "Canary Jones" } }).toString();
    const [id = ""] = await shared().recordAndSettle(body.replace('"creationTimeUtc"', '"time"'));
    await discard(shared().pool, [id], { decidedBy: "Olga", reason: "sent <again>" });
    const { text } = await browser.get(`/deliveries/${id}`);
    for (const words of [
      "<bdi>creationTimeUtc</bdi>",
      "<mark>  &quot;creationTimeUtc&quot;: (missing)</mark>",
      "A restore undoes that",
      "<b>Olga</b>",
      "sent &lt;again&gt;",
      "sha256:0",
      "user-agent",
    ])
      expect(text).toContain(words);
    expect(text).not.toMatch(/Canary|Exact bytes/);
    expect(await revealed(browser, id)).toMatch(/Canary Jones.*<mark>.*Exact bytes/s);
  });

  test("shows what an open and a settled one came to, and that there is no other", async () => {
    const browser = await signedIn();
    const failing = await shared().recordAndExhaust(eventBody("failing"), "TypeError: <i>broken</i>");
    const failed = (await browser.get(`/deliveries/${failing}`)).text;
    for (const words of ["TypeError: •••", "Report the errors below"]) expect(failed).toContain(words);
    const shown = await revealed(browser, failing);
    for (const words of ["TypeError: &lt;i&gt;broken", "at fold (evolve.ts:1:1)"])
      expect(shown).toContain(words);
    const [applied = ""] = await shared().recordAndSettle(eventBody("fine"));
    expect((await browser.get(`/deliveries/${applied}`)).text).toContain("entry 1 of the person, an event");
    const [open = ""] = await shared().record(eventBody("fine", { id: "2" }));
    expect((await browser.get(`/deliveries/${open}`)).text).toContain("a worker settles it");
    for (const unknown of ["nothing", "019af3b2-77aa-7c31-9d0e-5f7a20c4e1aa"])
      expect((await browser.get(`/deliveries/${unknown}`)).status).toBe(404);
    const dead = await browser.get("/dead-letters/some%2Fid");
    expect([dead.status, dead.headers.location]).toEqual([301, "/deliveries/some%2Fid"]);
  });

  test("does not parse one that may have stopped a worker", async () => {
    const browser = await signedIn();
    const [id = ""] = await shared().record(eventBody("stops"));
    await countStall(shared().pool, id);
    const { text } = await browser.get(`/deliveries/${id}`);
    expect(text).toContain("It is not parsed here");
    expect(text).not.toContain("stops</");
  });

  test("shows a control character otherwise than the escape that JSON writes for it", async () => {
    const [id = ""] = await shared().recordAndSettle("{\u0001 \\u0001 <");
    const shown = await revealed(await signedIn(), id);
    expect(shown).toMatch(/\{(<mark>)?<i>U\+0001<\/i>(<\/mark>)? \\u0001 &lt;/);
  });

  test("lets no viewer reveal", async () => {
    const { token } = await createToken(shared().pool, { name: "Vera", role: "viewer", isService: false });
    const viewer = await signedIn(token);
    const [id = ""] = await shared().recordAndSettle(UNPARSABLE_BODY);
    const { text } = await viewer.get(`/deliveries/${id}`);
    expect(text).not.toMatch(/Reveal…|not JSON at all/);
    expect((await viewer.post(`/natural-persons/${id}/reveal`, { reason: "x" })).status).toBe(403);
    expect(await revealed(await signedIn(), id)).toMatch(/not JSON at all/);
  });

  test.each([
    ["a script", JSON.stringify({ "<script>": "</code><script>alert(1)</script>" })],
    ["a text that turns the direction", JSON.stringify({ text: "\u202eabc \u05d0\u05d1\u0000" })],
    ["5,000 characters", JSON.stringify({ text: "x".repeat(5_000) })],
    [
      "invalid UTF-8",
      Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff, 0xfe, 0x00]), Buffer.from('"}')]),
    ],
    ["a MiB of one text", JSON.stringify({ text: '"'.repeat(512 * 1024) })],
    ["a MiB of fields", `{${Array.from({ length: 100_000 }, (_, n) => `"<${n}>":[]`).join()}}`],
    ["deep nesting", "[".repeat(50_000)],
    ["a MiB that is no JSON", "\u0001\u202e<".repeat(175_000)],
  ])("takes no harm from a payload with %s", async (_, body) => {
    const browser = await signedIn();
    const [id = ""] = await shared().recordAndSettle(body);
    const masked = (await browser.get(`/deliveries/${id}`)).text;
    const shown = await revealed(browser, id);
    for (const text of [masked, shown]) {
      expect(Buffer.byteLength(text)).toBeLessThan(512 * 1024);
      // oxlint-disable-next-line no-control-regex
      expect(text).not.toMatch(/<script>|[\0\x01\u202e\ufffd]/);
    }
    expect(shown).toContain("Exact bytes");
  });
});
