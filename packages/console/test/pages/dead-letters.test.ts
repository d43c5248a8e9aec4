import { discard } from "@dossier/store";
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
  const idsOf = (text: string) => [...text.matchAll(/"\/dead-letters\/([\w-]+)"/g)].map(([, id]) => id);

  const first = (await browser.get("/dead-letters?reason=unparsable&event=")).text;
  const [, next = ""] = /href="([^"]+)" rel="next"/.exec(first) ?? [];
  const second = (await browser.get(`/dead-letters${next.replaceAll("&amp;", "&")}`)).text;
  expect([idsOf(first).length, idsOf(second).length]).toEqual([50, 1]);
  expect(new Set([...idsOf(first), ...idsOf(second)])).toEqual(new Set(unparsable));
  expect(first).toContain('<option value="unparsable" selected>');
  expect(idsOf((await browser.get("/dead-letters?reason=invalid-event")).text)).toEqual([invalid]);
  const discarded = (await browser.get("/dead-letters?status=discarded")).text;
  expect([idsOf(discarded), discarded.includes("Olga &lt;b&gt;: noise")]).toEqual([[aside], true]);
  const { status, text } = await browser.get("/dead-letters?since=yesterday");
  expect([status, text.includes("since must be an ISO 8601 time")]).toEqual([400, true]);
});

test("a dead letter says what is wrong, what to do and who decided, without its payload", async () => {
  const browser = await signedIn();
  const body = eventBody("known", { id: "9", event: "NaturalPersonPending", data: { entity: "canary" } });
  const broken = Buffer.from(body.toString().replace('"creationTimeUtc"', '"time"'));
  const failing = await shared().recordAndExhaust(eventBody("other"), "TypeError: <i>broken</i>");
  const [id = ""] = await shared().recordAndSettle(broken);
  await discard(shared().pool, [id], { decidedBy: "Olga", reason: "sent again" });
  const { text } = await browser.get(`/dead-letters/${id}`);
  for (const words of ["<code>creationTimeUtc</code>", "A restore undoes that", "<b>Olga</b>", "sent again"])
    expect(text).toContain(words);
  expect(text).not.toContain("canary");
  const failed = (await browser.get(`/dead-letters/${failing}`)).text;
  for (const words of ["TypeError: &lt;i&gt;broken", "at fold (evolve.ts:1:1)", "Report the errors below"])
    expect(failed).toContain(words);
  for (const unknown of ["nothing", "019af3b2-77aa-7c31-9d0e-5f7a20c4e1aa"])
    expect((await browser.get(`/dead-letters/${unknown}`)).status).toBe(404);
});
