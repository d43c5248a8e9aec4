/** The worklist while somebody looks at it: what changes, and what must not. */
import { payload } from "@dossier/simulator";
import { waitFor } from "@dossier/testing";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { signIn, useBrowser, type TestBrowser } from "./chromium.ts";

const open = useBrowser(async ({ simulate, rows }) => {
  await simulate(3);
  // A minute's counts are charted once it is over.
  await rows(`insert into instance_minutes (minute, service, instance_id, counts)
    values (date_trunc('minute', now()) - interval '9 min', 'ingest', gen_random_uuid(), '{"webhook/accepted": 60}')`);
});

/** Sends an event of a new type, which becomes a row of the worklist. */
async function sendUnknown({ dossier }: TestBrowser, type: string): Promise<void> {
  const body = { ...payload({ event: type, id: "1" }), data: { entityId: `a-person-of-${type}` } };
  await dossier.send([Buffer.from(JSON.stringify(body))]);
}

test("while the simulator runs, persons and dead letters appear on the worklist", async (context) => {
  const browser = await open(context);
  const page = await browser.signedIn(context, "viewer");
  await page.mouse.move(2, 2);
  const reached = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "Approved" }) });
  const before = await reached.textContent();
  expect(await page.getByText("Dead letters: unparsable").count()).toBe(0);
  await Promise.all([browser.dossier.simulate(40, 2), browser.dossier.sendTrouble()]);
  await page.getByText("Dead letters: unparsable").waitFor();
  await browser.dossier.settled();
  await waitFor(
    () => reached.textContent(),
    (shown) => expect(shown).not.toBe(before),
  );
});

const statusOf = (page: Page) => page.locator("#live [role=status]").textContent();

test("the worklist changes by itself, r pauses it and says so, and r again shows what was missed", async (context) => {
  const browser = await open(context);
  const page = await browser.signedIn(context, "viewer");
  await page.mouse.move(2, 2);
  await sendUnknown(browser, "NaturalPersonFirst");
  await page.getByText("NaturalPersonFirst").waitFor();
  await page.keyboard.press("r");
  expect(await statusOf(page)).toBe("Paused");
  await sendUnknown(browser, "NaturalPersonSecond");
  // Another reader shows when it would have come.
  const other = await browser.signedIn(context, "viewer");
  await other.getByText("NaturalPersonSecond").waitFor();
  expect(await page.getByText("NaturalPersonSecond").count()).toBe(0);
  await page.keyboard.press("r");
  await page.getByText("NaturalPersonSecond").waitFor();
  expect(await statusOf(page)).toBe("Live");
});

test("nothing moves while the pointer is over a list or the focus is in one, and then all is shown", async (context) => {
  const browser = await open(context);
  const page = await browser.signedIn(context, "viewer");
  const list = page.locator('[data-live="persons"]');
  await list.hover();
  await sendUnknown(browser, "NaturalPersonThird");
  await waitFor(async () => (await statusOf(page)) === "Held while you are in it");
  const other = await browser.signedIn(context, "viewer");
  await other.getByText("NaturalPersonThird").waitFor();
  expect(await page.getByText("NaturalPersonThird").count()).toBe(0);
  await page.mouse.move(2, 2);
  await page.getByText("NaturalPersonThird").waitFor();

  await page.locator("[data-live] summary").first().focus({ timeout: 5_000 });
  await waitFor(async () => (await statusOf(page)) === "Held while you are in it");
  await page.locator("#live button").focus();
  await waitFor(async () => (await statusOf(page)) === "Live");
});

test("a hidden tab closes its stream, and opens it again when it is shown", async (context) => {
  const page = await (await open(context)).open(context);
  await page.addInitScript(`{
    const Original = EventSource;
    globalThis.sources = [];
    globalThis.EventSource = class extends Original {
      constructor(...args) { super(...args); sources.push(this); }
    };
    globalThis.EventSource.CLOSED = 2;
    globalThis.isHidden = false;
    Object.defineProperty(document, "hidden", { get: () => isHidden });
    globalThis.setHidden = (value) => { isHidden = value; document.dispatchEvent(new Event("visibilitychange")); };
  }`);
  const { dossier } = await open(context);
  await signIn(page, dossier.tokens.viewer);
  const states = () => page.evaluate("sources.map(({ readyState }) => readyState)");
  await waitFor(states, (found) => expect(found).toEqual([1]));
  await page.evaluate("setHidden(true)");
  expect(await states()).toEqual([2]);
  await page.evaluate("setHidden(false)");
  await waitFor(states, (found) => expect(found).toEqual([2, 1]));
});

test("the charts are drawn in the colours of a light and a dark scheme, and are tables too", async (context) => {
  const browser = await open(context);
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await browser.signedIn(context, "viewer", { colorScheme });
    await page.locator(".plots canvas").first().waitFor();
    expect(await page.locator(".plots canvas").count()).toBe(4);
    await page.locator("summary").first().click();
    expect(await page.getByRole("columnheader", { name: "Accepted/s" }).first().isVisible()).toBe(true);
  }
});
