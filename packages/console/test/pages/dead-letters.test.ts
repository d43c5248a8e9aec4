import { createToken, discard } from "@dossier/store";
import { eventBody, invalidBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { TOKEN, useConsole } from "../harness.ts";
import { openBrowser } from "./browser.ts";

const shared = useConsole();

async function signedIn() {
  const browser = openBrowser(shared());
  await browser.signIn(TOKEN);
  return browser;
}

test("dead letters are listed in pages, filtered by what the URL says", async () => {
  const browser = await signedIn();
  const unparsable = await shared().recordAndSettle(...Array.from({ length: 51 }, (_, n) => `not JSON ${n}`));
  const [invalid = "", aside = ""] = await shared().recordAndSettle(invalidBody("a"), invalidBody("b"));
  await discard(shared().pool, [aside], { decidedBy: "Olga <b>", reason: "noise" });
  const idsOf = (text: string) => [...text.matchAll(/"\/deliveries\/([\w-]+)"/g)].map(([, id]) => id);

  const first = (await browser.get("/dead-letters?reason=unparsable&event=")).text;
  const [, next = ""] = /href="([^"]+)" rel="next"/.exec(first) ?? [];
  const second = (await browser.get(`/dead-letters${next.replaceAll("&amp;", "&")}`)).text;
  expect([idsOf(first).length, idsOf(second).length]).toEqual([50, 1]);
  expect(new Set([...idsOf(first), ...idsOf(second)])).toEqual(new Set(unparsable));
  expect(first).toContain('<option value="unparsable" selected>');
  expect(idsOf((await browser.get("/dead-letters?reason=invalid-event")).text)).toEqual([invalid]);
  const discarded = (await browser.get("/dead-letters?status=discarded")).text;
  expect([idsOf(discarded), discarded.includes("Olga &lt;b&gt;: noise")]).toEqual([[aside], true]);
  expect(first).toContain("it cannot be read");
  const { status, text } = await browser.get("/dead-letters?since=yesterday");
  expect([status, text.includes("Dead-lettered since must be an ISO 8601 time")]).toEqual([400, true]);
  expect(text).toMatch(/name="since" value="[^"]+"[^>]*aria-invalid="true"/);
});

test("dead letters are searched for a text, which no URL has and which takes an operator", async () => {
  const browser = await signedIn();
  const [found = ""] = await shared().recordAndSettle("not JSON: canary bird");
  const { status, headers } = await browser.post("/dead-letters", { text: "canary", reason: "unparsable" });
  const url = headers.location ?? "";
  expect([status, url]).toEqual([
    303,
    expect.stringMatching(/^\/dead-letters\?reason=unparsable&search=[\w-]+$/),
  ]);
  const { text } = await browser.get(url);
  expect([...text.matchAll(/"\/deliveries\/([\w-]+)"/g)].map(([, id]) => id)).toEqual([found]);
  const hidden = [...text.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  expect(hidden.map(([, name, value]) => [name, value])).toEqual([
    ["filter.reason", "unparsable"],
    ["filter.text", "canary"],
  ]);
  const { token } = await createToken(shared().pool, { name: "Vera", role: "viewer", isService: false });
  const viewer = openBrowser(shared());
  await viewer.signIn(token);
  expect((await viewer.post("/dead-letters", { text: "canary" })).status).toBe(403);
  expect((await viewer.get(url)).text).not.toContain(found);
  expect((await viewer.get("/dead-letters")).text).not.toContain('name="text"');
});

test("dead letters name their person, and are filtered by the person's id", async () => {
  const browser = await signedIn();
  const [one, other] = ["person <1>", "person 2"].map((id) => eventBody(id, { data: { entity: "Canary" } }));
  const found = await shared().recordAndExhaust(one!);
  const another = await shared().recordAndExhaust(other!);
  const { text } = await browser.get("/dead-letters?entityId=person+%3C1%3E");
  expect(text).toMatch(/href="\/natural-persons\/person%20%3C1%3E"><code><bdi>person &lt;1&gt;</);
  expect([text.includes(found), text.includes(another), text.includes("Canary")]).toEqual([
    true,
    false,
    false,
  ]);
  expect(text).toContain('name="filter.entityId" value="person &lt;1&gt;"');
});
