/** Who gets in to the console's pages, and what they may do. */
import { ROLES } from "@dossier/store";
import { expect, test } from "vitest";
import { enterToken, signIn, useBrowser } from "./chromium.ts";
import { NAMES } from "./dossier.ts";

const open = useBrowser(() => Promise.resolve());

test.for(ROLES)(
  "a person with the role %s signs in by keyboard, and sees who they are",
  async (role, context) => {
    const page = await (await open(context)).signedIn(context, role);
    expect(await page.textContent("header .who")).toContain(`${NAMES[role]} · ${role}`);
    const links = await page.locator("header nav a").allTextContents();
    expect(links.includes("Audit")).toBe(role === "admin");
    await page.goto("/audit");
    expect(await page.textContent("h1")).toBe(role === "admin" ? "Audit" : "This page is not for your role");
  },
);

test("a wrong token is refused with a reason that is read out, and the token is nowhere", async (context) => {
  const page = await (await open(context)).open(context);
  await page.goto("/audit");
  await enterToken(page, "a-wrong-token");
  expect(await page.getByRole("alert").textContent()).toContain("not known");
  expect(page.url()).not.toContain("a-wrong-token");
  expect(await page.content()).not.toContain("a-wrong-token");
});

test("signing in leads to the page that was asked for", async (context) => {
  const { dossier, open: openWindow } = await open(context);
  const page = await openWindow(context);
  await page.goto("/dead-letters?reason=unparsable");
  await enterToken(page, dossier.tokens.viewer);
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  expect(page.url()).toBe(`${dossier.url}/dead-letters?reason=unparsable`);
});

test("signing out ends the session in a second tab, and going back shows nothing", async (context) => {
  const first = await (await open(context)).signedIn(context, "operator");
  const second = await first.context().newPage();
  await second.goto("/dead-letters");
  expect(await second.textContent("h1")).toBe("Dead letters");
  const cookies = await first.context().cookies();
  expect(cookies).toHaveLength(1);
  await first.getByRole("button", { name: "Sign out" }).click();
  await first.waitForURL("/sign-in");
  // Also for whoever has kept the cookie.
  await first.context().addCookies(cookies);
  await second.reload();
  expect(new URL(second.url()).pathname).toBe("/sign-in");
  await second.goBack();
  expect(await second.locator("header").count()).toBe(0);
});

test("a link on another site leads to the page without a second sign-in", async (context) => {
  const { dossier, open: openWindow } = await open(context);
  const page = await openWindow(context);
  await signIn(page, dossier.tokens.viewer);
  // To the browser, what is set here is another site.
  await page.goto("about:blank");
  await page.setContent(`<a href="${dossier.url}/dead-letters">look</a>`);
  await page.getByRole("link").click();
  await page.waitForURL("/dead-letters");
  expect(await page.textContent("h1")).toBe("Dead letters");
});
