/** What holds for each page of the console; with SCREENSHOTS, a folder, it also keeps a picture of each. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { seriousProblems, tooWide } from "./checks.ts";
import { useBrowser } from "./chromium.ts";
import { findPages } from "./pages.ts";

const open = useBrowser(async (dossier) => {
  await dossier.simulate(60);
  await dossier.settled();
  await dossier.sendTrouble();
  await dossier.settled();
});

const FOLDER = process.env.SCREENSHOTS;

/** A picture is as tall as the page, up to this. */
const MAX_HEIGHT = 2_000;

/** At least: a page that nobody finds is not looked at. */
const PAGES = 7;

test.for([
  ["light", 1280],
  ["dark", 1280],
  ["light", 390],
  ["dark", 390],
] as const)("each page is accessible and fits, in %s at %i pixels", async ([colorScheme, width], context) => {
  const page = await (await open(context)).signedIn(context, "admin", { colorScheme, width });
  const pages = await findPages(page);
  expect(pages.length).toBeGreaterThanOrEqual(PAGES);
  for (const { name, path } of pages) {
    await page.goto(path);
    expect([path, await page.locator("main h1").count(), await tooWide(page)]).toEqual([path, 1, []]);
    expect([path, await seriousProblems(page)]).toEqual([path, []]);
    if (FOLDER) await keepPicture(page, `${name}-${colorScheme}-${width}`);
  }
});

test("the sign-in, and pages that say what is wrong, are accessible and fit", async (context) => {
  const { open: openWindow, signedIn } = await open(context);
  const [stranger, viewer] = [
    await openWindow(context, { width: 390 }),
    await signedIn(context, "viewer", { width: 390 }),
  ];
  for (const [page, path] of [
    [stranger, "/sign-in"],
    [viewer, "/audit"],
    [viewer, "/deliveries/none"],
    [viewer, "/dead-letters?reason=none"],
  ] as const) {
    await page.goto(path);
    expect([path, await tooWide(page), await seriousProblems(page)]).toEqual([path, [], []]);
  }
});

async function keepPicture(page: Page, name: string): Promise<void> {
  const height = await page.evaluate<number>("document.documentElement.scrollHeight");
  const width = page.viewportSize()?.width ?? 0;
  await page.screenshot({
    path: join(FOLDER ?? "", `${name}.png`),
    fullPage: true,
    clip: { x: 0, y: 0, width, height: Math.min(height, MAX_HEIGHT) },
  });
}
