import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Role } from "@dossier/store";
import { freshRedis, openScope } from "@dossier/testing";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, expect, type TestContext } from "vitest";
import { startDossier, type Dossier } from "./dossier.ts";

/** Debian's. */
const COMMAND = "chromium";

export interface TestBrowser {
  readonly dossier: Dossier;
  /** Opens a window whose cookies are its own, on a page that nobody is signed in to. */
  open(context: TestContext, options?: WindowOptions): Promise<Page>;
  /** As `open`, signed in with the token of a role. */
  signedIn(context: TestContext, role: Role, options?: WindowOptions): Promise<Page>;
}

export interface WindowOptions {
  readonly colorScheme?: "light" | "dark";
  /** In pixels. Default: 1280. */
  readonly width?: number;
}

/**
 * Called once in a file, returns what starts Chromium and a Dossier that its tests share. A page that reports an error,
 * or asks another host, fails its test.
 *
 * @param fill sends what the tests need
 */
export function useBrowser(
  fill: (dossier: Dossier) => Promise<unknown>,
): (context: TestContext) => Promise<TestBrowser> {
  const scope = openScope();
  let shared: Promise<TestBrowser> | undefined;
  afterAll(() => scope.close());

  async function start(redisUrl: string): Promise<TestBrowser> {
    const dossier = await startDossier(scope, redisUrl);
    await fill(dossier);
    // Chromium does not run as root in a sandbox.
    const browser = await chromium.launch({ executablePath: await pathOf(COMMAND), args: ["--no-sandbox"] });
    scope.onTestFinished(() => browser.close());
    const open = (context: TestContext, options?: WindowOptions) =>
      openWindow(context, { browser, url: dossier.url, ...options });
    return {
      dossier,
      open,
      async signedIn(context, role, options) {
        const page = await open(context, options);
        await signIn(page, dossier.tokens[role]);
        return page;
      },
    };
  }

  return async (context) => {
    await needsChromium(context);
    return (shared ??= start(await freshRedis(context)));
  };
}

/** Signs in by keyboard, as people do. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.goto("/sign-in");
  await enterToken(page, token);
  await page.waitForURL((url) => url.pathname !== "/sign-in");
}

/** On the page that asks for a token. What is typed before the browser has moved the focus there is lost. */
export async function enterToken(page: Page, token: string): Promise<void> {
  await page.locator("#token:focus").waitFor();
  await page.keyboard.type(token);
  await page.keyboard.press("Enter");
}

/** Reveals the person, or the delivery, whose page it is. */
export async function reveal(page: Page, reason: string): Promise<void> {
  await page.getByText("Reveal…").click();
  await page.getByLabel("Why do you need to see this?").fill(reason);
  await page.keyboard.press("Enter");
  await page.getByText("Reveal…").waitFor({ state: "detached" });
}

async function openWindow(
  context: TestContext,
  { browser, url, colorScheme = "light", width = 1280 }: WindowOptions & { browser: Browser; url: string },
): Promise<Page> {
  const window = await browser.newContext({ baseURL: url, colorScheme, viewport: { width, height: 900 } });
  // It only ends what hangs.
  window.setDefaultTimeout(5 * 60_000);
  const faults = watchFaults(window, url);
  context.onTestFinished(async () => {
    await window.close();
    expect(faults).toEqual([]);
  });
  return window.newPage();
}

/** Returns what all tabs of a window report: errors of scripts and of the policy, missing files, and other hosts. */
function watchFaults(window: BrowserContext, url: string): string[] {
  const faults: string[] = [];
  window.on("weberror", (error) => faults.push(String(error.error())));
  window.on("console", (message) => {
    // That an answer is no success is looked at below, as pages may be refused.
    const isAnswer = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isAnswer) faults.push(`${message.page()?.url()}: ${message.text()}`);
  });
  window.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (origin !== url && protocol !== "data:") faults.push(`asks another host: ${request.url()}`);
  });
  window.on("response", (response) => {
    const isFile = ["stylesheet", "script", "image", "font"].includes(response.request().resourceType());
    if (isFile && !response.ok()) faults.push(`${response.status()} for ${response.url()}`);
  });
  return faults;
}

/** Skips the test, with the reason, if there is no Chromium. With `CI=true` it fails instead. */
async function needsChromium(context: TestContext): Promise<void> {
  if ((await pathOf(COMMAND)) !== "") return;
  const missing = `there is no ${COMMAND} on the PATH`;
  process.stderr.write(`tests: !!! ${missing}: the tests that need it ARE SKIPPED !!!\n`);
  if (process.env.CI === "true") throw new Error(missing);
  context.skip(missing);
}

/** Returns where a command is; an empty text if it is nowhere. */
async function pathOf(command: string): Promise<string> {
  return promisify(execFile)("which", [command]).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
}
