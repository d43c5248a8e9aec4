/** One person: found, seen at other times and down to the bytes, and revealed. */
import { payload } from "@dossier/simulator";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { reveal, useBrowser } from "./chromium.ts";
import { NAMES } from "./dossier.ts";

const PERSON = { entityId: "a-traveller", data: { entity: "Tessa Traveller", email: "tessa@example.com" } };
const HAPPENED = [
  "2024-01-01T10:00:00.0000000Z",
  "2024-01-02T10:00:00.0000000Z",
  "2024-01-03T10:00:00.0000000Z",
];

const event = (name: string, n: number) =>
  payload({ event: name, id: String(n), creationTimeUtc: HAPPENED[n] ?? "", ...PERSON });
const PENDING = Buffer.from(JSON.stringify(event("NaturalPersonPending", 0)));
/** In a writing of its own, with a field that nobody knows. */
const STARTED = Buffer.from(
  JSON.stringify(
    { ...event("NaturalPersonStartedIDUpload", 1), note: "é \u202e <b>&amp;" },
    null,
    "\t",
  ).replaceAll("\n", "\r\n"),
);
const UPLOADED = Buffer.from(JSON.stringify(event("NaturalPersonUploadedID", 2)));

const open = useBrowser(async (dossier) => {
  await dossier.simulate(20);
  // One after the other, as the order of arrival matters: the one that happened second comes last.
  for (const body of [PENDING, UPLOADED, STARTED, PENDING]) {
    await dossier.send([body]);
    await dossier.settled();
  }
});

async function findPerson(page: Page): Promise<void> {
  await page.goto("/natural-persons");
  await page.locator("#search").fill(PERSON.data.email);
  await page.keyboard.press("Enter");
  const link = page.locator(`main a[href="/natural-persons/${PERSON.entityId}"]`);
  await link.click();
  await page.getByRole("heading", { name: "Time travel" }).waitFor();
}

const stateOf = (page: Page) => page.getByRole("region", { name: "State" });
const countOf = (page: Page, words: string) => page.getByText(words, { exact: true }).waitFor();

test("a person is found by e-mail, which no URL says, and revealed with a reason that an admin reads", async (context) => {
  const { signedIn } = await open(context);
  const page = await signedIn(context, "operator");
  const urls: string[] = [];
  page.on("request", (request) => urls.push(request.url()));
  await findPerson(page);
  expect(urls.filter((url) => /tessa/i.test(decodeURIComponent(url)))).toEqual([]);
  expect(await page.locator("main").textContent()).not.toContain(PERSON.data.entity);
  await reveal(page, "ticket 4711");
  await page.getByRole("heading", { level: 1, name: PERSON.data.entity }).waitFor();

  const admin = await signedIn(context, "admin");
  await admin.goto("/audit?action=revealed");
  const row = admin.getByRole("row").filter({ hasText: "ticket 4711" });
  expect(await row.textContent()).toContain(NAMES.operator);
  expect(await row.textContent()).toContain(PERSON.entityId);
});

test("sliders travel through both times, the URL says where, and back returns there", async (context) => {
  const page = await (await open(context)).signedIn(context, "viewer");
  await findPerson(page);
  await countOf(page, "3 of 3 events");
  const [asOf, knownAt] = ["As of", "Known at"].map((name) => page.getByRole("slider", { name }));
  await asOf?.press("Home");
  await countOf(page, "1 of 3 events");
  expect(await stateOf(page).textContent()).toMatch(/Status\s*Pending/);
  await asOf?.press("ArrowRight");
  await countOf(page, "2 of 3 events");
  expect(await stateOf(page).textContent()).toMatch(/Status\s*ID upload started/);
  expect(new URL(page.url()).searchParams.get("asOf")).toBe(HAPPENED[1]);

  // What happened second was not known when the second delivery was there.
  await knownAt?.press("Home");
  await page.getByText("not known yet").first().waitFor();
  await countOf(page, "1 of 3 events");
  await asOf?.press("End");
  await page.waitForURL((url) => !url.searchParams.has("asOf"));
  await knownAt?.press("ArrowRight");
  await countOf(page, "2 of 3 events");
  expect(await stateOf(page).textContent()).toMatch(/Status\s*ID uploaded/);
  const there = page.url();
  expect(new URL(there).searchParams.get("knownAt")).toBe(
    await page.getByLabel("Known at what was received").inputValue(),
  );

  await page
    .getByRole("link", { name: /^Delivery / })
    .first()
    .click();
  await page.getByRole("heading", { name: /^Payload/ }).waitFor();
  await page.goBack();
  await countOf(page, "2 of 3 events");
  expect(page.url()).toBe(there);
  expect(await knownAt?.inputValue()).toBe("1");
});

test("the fields travel to any time, and back returns to the time before", async (context) => {
  const page = await (await open(context)).signedIn(context, "viewer");
  await findPerson(page);
  const field = page.getByLabel("As of what had happened");
  await field.fill("2024-01-02T12:00:00Z");
  await field.press("Enter");
  await countOf(page, "2 of 3 events");
  await field.fill("2023-12-31T00:00:00Z");
  await field.press("Enter");
  await page.getByText("Nothing was known of this person then.").waitFor();
  await page.goBack();
  await countOf(page, "2 of 3 events");
  expect(await field.inputValue()).toBe("2024-01-02T12:00:00Z");
  expect(await page.getByRole("slider", { name: "As of" }).inputValue()).toBe("1");
  await page.getByRole("link", { name: "Back to now" }).first().click();
  await countOf(page, "3 of 3 events");
  expect(await field.inputValue()).toBe("");
});

test("an out-of-order arrival leads from the timeline to its exact bytes, pretty and raw", async (context) => {
  const page = await (await open(context)).signedIn(context, "operator");
  await findPerson(page);
  const arrival = page.getByRole("row").filter({ hasText: "out of order" });
  expect(await arrival.getByRole("rowheader").textContent()).toContain("NaturalPersonStartedIDUpload");
  const again = page.getByRole("row").filter({ hasText: "delivered 2 times" });
  expect(await again.getByRole("link", { name: /^Delivery / }).count()).toBe(2);
  await arrival.getByRole("link", { name: /^Delivery / }).click();
  await reveal(page, "what did iComply send?");
  const pretty = page.getByRole("region", { name: "Payload, pretty" });
  await pretty.getByText(`"entity": "${PERSON.data.entity}"`).waitFor();
  expect(await pretty.textContent()).toContain(String.raw`"note": "é \u202e <b>&amp;"`);
  await page.getByText("Exact bytes", { exact: true }).click();
  // What nobody would see is named.
  const shown = STARTED.toString().replaceAll("\r", "U+000D").replaceAll("\u202e", "U+202E");
  expect(await page.getByRole("region", { name: "Payload, exact bytes" }).textContent()).toBe(shown);
});
