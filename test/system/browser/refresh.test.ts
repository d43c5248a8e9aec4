/** Pages that htmx reads again: those that are live without events, and a person's as the sliders move. */
import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { useBrowser } from "./chromium.ts";

const open = useBrowser(async (dossier) => {
  await dossier.simulate(5);
  await dossier.settled();
});

test("the queue's page shows by itself what failed, but moves nothing under the pointer", async (context) => {
  const { dossier, signedIn } = await open(context);
  const page = await signedIn(context, "viewer");
  await page.goto("/queue");
  const status = page.locator("#live [role=status]");
  const failed = page.locator("#failed");
  await page.getByText("Completed").hover();
  await dossier.sendTrouble();
  await dossier.settled();
  await waitFor(
    () => status.textContent(),
    (text) => expect(text).toBe("Held while you are in it"),
  );
  expect(await failed.count()).toBe(0);
  await page.mouse.move(2, 2);
  await failed.waitFor();
  await page.keyboard.press("r");
  expect(await status.textContent()).toBe("Paused");
});

test("a page that reads itself again leads to the sign-in once another tab has signed out", async (context) => {
  const page = await (await open(context)).signedIn(context, "viewer");
  await page.goto("/system");
  await page.locator("#live button").waitFor();
  const other = await page.context().newPage();
  await other.goto("/");
  await other.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL((url) => url.pathname === "/sign-in");
  expect(new URL(page.url()).search).toBe("?next=%2Fsystem");
});

test("a slider moved by keyboard shows the person then, says it in the URL and keeps the focus", async (context) => {
  const { dossier, signedIn } = await open(context);
  const [person] = await dossier.rows<{ id: string }>(
    "select entity_id as id from natural_persons where status = 'approved' limit 1",
  );
  const page = await signedIn(context, "viewer");
  await page.goto(`/natural-persons/${person?.id}`);
  const count = page.locator("#time .chip");
  const [, all] = /^(\d+) of \1 events$/.exec((await count.textContent()) ?? "") ?? [];
  const slider = page.getByLabel("As of: the times of the events");
  await slider.focus();
  await page.keyboard.press("Home");
  await count.getByText(`1 of ${all} events`).waitFor();
  const asOf = new URL(page.url()).searchParams.get("asOf");
  expect(asOf).toBe(await page.getByLabel("As of what had happened").inputValue());
  expect(await slider.getAttribute("aria-valuetext")).toBe(asOf);
  await page.keyboard.press("End");
  await count.getByText(`${all} of ${all} events`).waitFor();
  expect(new URL(page.url()).search).toBe("");
});
