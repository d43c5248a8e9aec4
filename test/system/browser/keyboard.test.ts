/** What operators come for, by keyboard alone. */
import { encode, payload } from "@dossier/simulator";
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { useBrowser } from "./chromium.ts";

const PERSON = {
  entityId: "a-person",
  data: { entity: "Katherine Johnson", email: "katherine@example.com" },
};

const open = useBrowser(async (dossier) => {
  await dossier.simulate(3);
  await dossier.send([encode(payload({ event: "NaturalPersonPending", ...PERSON }))]);
  await dossier.settled();
  await dossier.recordDeadLetter(
    encode(payload({ event: "NaturalPersonUploadedID", creationTimeUtc: "2024-01-01T00:00:00Z", ...PERSON })),
  );
});

/** More stops than any page of this test has. */
const MAX_STOPS = 150;

const END = "the end";

/** Moves the focus on until it is here. Whoever looks sees at each stop where it is. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.first().waitFor();
  const stops: string[] = [];
  while (stops.length < MAX_STOPS) {
    await page.keyboard.press("Tab");
    const { stop, problem } = await page.evaluate<{ stop: string; problem: string | null }>(FOCUS);
    // Behind the last stop of the page are those of the browser.
    const isEnd = stop === END && !stops.includes(END);
    stops.push(stop);
    expect([stop, isEnd ? null : problem]).toEqual([stop, null]);
    if (await target.first().evaluate((element) => element === element.ownerDocument.activeElement)) return;
  }
  expect.fail(`the focus never came to ${String(target)}, but to ${stops.join(", ")}`);
}

/** Says where the focus is, and what keeps people from seeing it. */
const FOCUS = `{
  const focused = document.activeElement;
  const { left, right, top, bottom, width, height } = focused.getBoundingClientRect();
  const { outlineStyle, outlineWidth } = getComputedStyle(focused);
  // Of a text on several lines, the middle may be beside it.
  const [box] = focused.getClientRects();
  const above = box && document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  let problem = null;
  if (focused === document.body) problem = "nothing has the focus";
  else if (width < 4 || height < 4) problem = "it has no size";
  else if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) problem = "it has no outline";
  else if (left < 0 || right > innerWidth || bottom <= 0 || top >= innerHeight) problem = "it is outside the window";
  else if (!(focused.contains(above) || above?.contains(focused))) problem = "it is under " + above?.outerHTML.slice(0, 80);
  ({ stop: focused === document.body ? "the end" : focused.outerHTML.slice(0, 80), problem });
}`;

test("all of it works by keyboard, with the focus always in sight", async (context) => {
  const { dossier, open: openWindow } = await open(context);
  const page = await openWindow(context);
  const press = (key: string) => page.keyboard.press(key);
  await page.goto("/");
  await page.locator("#token:focus").waitFor();
  await page.keyboard.type(dossier.tokens.operator);
  await press("Enter");

  // A dead letter, its dry run, its redrive.
  await tabTo(page, page.getByRole("link", { name: "Skip to content" }));
  await press("Enter");
  await tabTo(page, page.getByRole("link", { name: "Dead letters: fold failed" }));
  await press("Enter");
  await page.waitForURL(/\/dead-letters\?/);
  await tabTo(page, page.locator("tbody th a"));
  await press("Enter");
  await tabTo(page, page.getByRole("link", { name: "Dry run, then redrive…" }));
  await press("Enter");
  await page.getByText("1 would be applied").waitFor();
  await tabTo(page, page.getByLabel("Why?"));
  await page.keyboard.type("the code is mended");
  await tabTo(page, page.getByRole("button", { name: "Redrive" }));
  await press("Space");
  await page.waitForURL(/\/deliveries\/[\w-]+$/);
  await dossier.settled();

  // A person, in the past and revealed.
  await tabTo(page, page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "People" }));
  await press("Enter");
  await page.waitForURL("/natural-persons");
  await page.locator("#search").waitFor();
  await press("/");
  expect(
    await page.locator("#search").evaluate((element) => element === element.ownerDocument.activeElement),
  ).toBe(true);
  await page.keyboard.type(PERSON.data.email);
  await press("Enter");
  await page.waitForURL(/search=/);
  await tabTo(page, page.locator(`main a[href="/natural-persons/${PERSON.entityId}"]`));
  await press("Enter");
  await page.getByText("2 of 2 events").waitFor();
  await tabTo(page, page.getByText("Reveal…"));
  await press("Space");
  await tabTo(page, page.getByLabel("Why do you need to see this?"));
  await page.keyboard.type("ticket 4711");
  await press("Enter");
  await page.getByRole("heading", { level: 1, name: PERSON.data.entity }).waitFor();
  await tabTo(page, page.getByRole("slider", { name: "As of" }));
  await press("Home");
  await page.getByText("1 of 2 events").waitFor();
  expect(await page.getByRole("region", { name: "State" }).textContent()).toMatch(/Status\s*Pending/);
  await press("End");
  await page.getByText("2 of 2 events").waitFor();

  await tabTo(page, page.getByRole("link", { name: /^Delivery / }));
  await press("Enter");
  await page.waitForURL(/\/deliveries\//);
  await tabTo(page, page.getByText("Exact bytes", { exact: true }));
  await press("Enter");
  await tabTo(page, page.getByRole("region", { name: "Payload, exact bytes" }));

  await tabTo(page, page.getByRole("button", { name: "Sign out" }));
  await press("Enter");
  await page.waitForURL("/sign-in");
  await page.locator("#token:focus").waitFor();
});

test("a bulk discard is aborted and audited, and a late arrival's bytes are read, by keyboard alone", async (context) => {
  const { dossier, open: openWindow } = await open(context);
  const early = { event: "NaturalPersonStartedIDUpload", creationTimeUtc: "2020-01-01T00:00:00Z", ...PERSON };
  await dossier.send([encode(payload({ ...early, id: "early" })), Buffer.from("not JSON")]);
  await dossier.settled();
  const page = await openWindow(context);
  const press = (key: string) => page.keyboard.press(key);
  await page.goto("/dead-letters?reason=unparsable");
  await page.locator("#token:focus").waitFor();
  await page.keyboard.type(dossier.tokens.admin);
  await press("Enter");
  await page.waitForURL("/dead-letters?reason=unparsable");

  await tabTo(page, page.getByText("Decide about all"));
  await press("Space");
  await tabTo(page, page.getByLabel("Decision"));
  await page.keyboard.type("discard");
  await tabTo(page, page.getByLabel("Why?"));
  await page.keyboard.type("ticket 4713");
  await press("Enter");
  await page.waitForURL(/\/bulk-actions\/\d+$/);
  await tabTo(page, page.getByRole("button", { name: "Abort" }));
  await press("Enter");
  await page.getByText("aborted").first().waitFor();

  await tabTo(page, page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Audit" }));
  await press("Enter");
  await page.waitForURL("/audit");
  const line = page.locator("tr", { hasText: "bulk action aborted" });
  expect(await line.textContent()).toMatch(
    /Ada Lovelace.*count: 1, .*unparsable, decision: discard.*ticket 4713/s,
  );
  await tabTo(page, line.getByRole("link"));
  await press("Enter");
  await page.waitForURL(/\/bulk-actions\/\d+$/);

  await page.goto(`/natural-persons/${PERSON.entityId}`);
  const arrival = page.locator("tr", { hasText: "out of order" });
  await tabTo(page, arrival.getByRole("link", { name: /^Delivery / }));
  await press("Enter");
  await page.waitForURL(/\/deliveries\//);
  await tabTo(page, page.getByText("Reveal…"));
  await press("Space");
  await tabTo(page, page.getByLabel("Why do you need to see this?"));
  await page.keyboard.type("ticket 4714");
  await press("Enter");
  await page.getByText("Exact bytes", { exact: true }).waitFor();
  await tabTo(page, page.getByText("Exact bytes", { exact: true }));
  await press("Enter");
  await tabTo(page, page.getByRole("region", { name: "Payload, exact bytes" }));
  expect(await page.getByRole("region", { name: "Payload, exact bytes" }).textContent()).toContain(
    "2020-01-01",
  );
});

test("a slash goes to the filter of a list, and elsewhere to the search for people", async (context) => {
  const page = await (await open(context)).signedIn(context, "viewer");
  await page.goto("/failing");
  await page.keyboard.press("/");
  await page.locator(".filter :focus").waitFor();
  await page.goto("/system");
  await page.keyboard.press("/");
  await page.locator("#search:focus").waitFor();
  expect(new URL(page.url()).pathname).toBe("/natural-persons");
});
