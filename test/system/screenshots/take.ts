/** Takes a picture of each of the console's pages, light and dark, wide and narrow, for docs/console.md. */
import { execFile } from "node:child_process";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { useBrowser } from "../browser/chromium.ts";
import type { Dossier } from "../browser/dossier.ts";
import { fillMinutes, tellOpen, tellRunning } from "./background.ts";
import { JANE, tellStory } from "./story.ts";

const FOLDER = join(import.meta.dirname, "../../../docs/screenshots");

/** A picture is as tall as the page, up to this. */
const MAX_HEIGHT = { 1280: 1_600, 390: 1_800 } as const;

const open = useBrowser(async (dossier) => {
  await tellStory(dossier);
  await tellOpen(dossier);
  // Before the first page: the console reads a chart once a minute.
  await fillMinutes(dossier);
});

test("pictures of all pages", async (context) => {
  const { dossier, signedIn, open: openWindow } = await open(context);
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  const operator = await signedIn(context, "operator");
  operator.setDefaultTimeout(60_000);
  const paths = await findPaths(operator, dossier);
  await tellRunning(dossier);
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [1280, 390] as const) {
      // The pictures take minutes of the real clock, in which the services do nothing, or settle what waited.
      await fillMinutes(dossier);
      const page = await signedIn(context, "admin", { colorScheme, width });
      page.setDefaultTimeout(60_000);
      await revealJane(page);
      for (const [name, path] of Object.entries(paths)) {
        await page.goto(path);
        await take(page, `${name}-${colorScheme}-${width}`, MAX_HEIGHT[width]);
      }
      const stranger = await openWindow(context, { colorScheme, width });
      await stranger.goto("/sign-in");
      await take(stranger, `sign-in-${colorScheme}-${width}`, MAX_HEIGHT[width]);
    }
  await makeSmaller();
  expect((await readdir(FOLDER)).length).toBe(4 * (Object.keys(paths).length + 1));
});

/** Returns each page's path by the name of its picture. */
async function findPaths(operator: Page, { rows }: Dossier): Promise<Record<string, string>> {
  const deadLetter = async (where: string) => {
    const [found] = await rows<{ id: string }>(
      `select delivery_id as id from dead_letters where ${where} order by dead_letter_id desc limit 1`,
    );
    return `/deliveries/${found?.id}`;
  };
  const discarded = await decideAboutAll(operator, "conflicting-duplicate", "discard");
  await operator.getByRole("button", { name: /^Discard exactly/ }).click();
  await operator.getByText("completed").first().waitFor();
  const preview = await decideAboutAll(operator, "unparsable", "redrive");
  const person = `/natural-persons/${JANE}`;
  const asOf = new Date(Date.now() - 100 * 3_600_000).toISOString();
  return {
    worklist: "/",
    people: "/natural-persons",
    person,
    "person-then": `${person}?asOf=${asOf}&knownAt=${asOf}`,
    deliveries: "/deliveries",
    delivery: await deadLetter(`entity_id = '${JANE}'`),
    "dead-letters": "/dead-letters",
    "dead-letter": await deadLetter("reason = 'unparsable'"),
    "dry-run": `${await deadLetter("reason = 'fold-failed'")}/redrive`,
    "bulk-action-running": "/bulk-actions/3",
    failing: "/failing",
    "bulk-actions": "/bulk-actions",
    "bulk-action": preview,
    "bulk-action-ended": discarded,
    queue: "/queue",
    audit: "/audit",
    system: "/system",
  };
}

/** Makes a bulk action on the page, as people do. Returns the path of its page. */
async function decideAboutAll(page: Page, reason: string, action: string): Promise<string> {
  await page.goto(`/dead-letters?reason=${reason}`);
  await page.getByText("Decide about all").click();
  await page.getByLabel("Decision").selectOption(action);
  await page.getByLabel("Why?").fill("ticket 4711: sent by a test system");
  await page.keyboard.press("Enter");
  await page.waitForURL(/bulk-actions\/\d+$/);
  return new URL(page.url()).pathname;
}

async function revealJane(page: Page): Promise<void> {
  await page.goto(`/natural-persons/${JANE}`);
  await page.getByText("Reveal…").click();
  await page.locator("#reveal-reason").fill("ticket 4712: asks about her application");
  await page.keyboard.press("Enter");
  await page.getByText("revealed to you").waitFor();
}

async function take(page: Page, name: string, maxHeight: number): Promise<void> {
  const height = await page.evaluate<number>("document.documentElement.scrollHeight");
  const width = page.viewportSize()?.width ?? 0;
  await page.waitForLoadState("networkidle");
  await page.screenshot({
    path: join(FOLDER, `${name}.png`),
    fullPage: true,
    animations: "disabled",
    clip: { x: 0, y: 0, width, height: Math.max(700, Math.min(height, maxHeight)) },
  });
}

/** A third of the bytes, where pngquant is installed. */
async function makeSmaller(): Promise<void> {
  const files = await readdir(FOLDER);
  const options = ["--ext=.png", "--force", "--strip", "--speed=1", "64", "--"];
  await promisify(execFile)("pngquant", [...options, ...files], { cwd: FOLDER }).catch((error: unknown) =>
    process.stderr.write(`pictures are not made smaller: ${String(error)}\n`),
  );
}
