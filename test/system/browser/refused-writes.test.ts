/** What a viewer's token and session cannot do, asked of the console itself. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { useBrowser } from "./chromium.ts";
import { findPages } from "./pages.ts";

const open = useBrowser(async (dossier) => {
  await dossier.simulate(3);
  await dossier.sendTrouble();
  await dossier.settled();
});

/** They change nothing. */
const READS = new Set(
  ["natural-persons", "deliveries", "dead-letters"].map((list) => `/api/v1/${list}/search`),
);

test("the API refuses a viewer each write of its document", async (context) => {
  const { dossier } = await open(context);
  const document = (await (await fetch(`${dossier.url}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, object>>;
  };
  const writes = Object.entries(document.paths)
    .filter(([path, operations]) => "post" in operations && !READS.has(path))
    .map(([path]) => path.replaceAll(/\{\w+\}/g, "1"));
  expect(writes.length).toBeGreaterThan(5);
  for (const path of writes) {
    const { status } = await fetch(`${dossier.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${dossier.tokens.viewer}`, "content-type": "application/json" },
      body: "{}",
    });
    expect([path, status]).toEqual([path, 403]);
  }
});

test("the pages show a viewer no form that writes, and refuse those that an operator sees", async (context) => {
  const { signedIn } = await open(context);
  const [operator, viewer] = [await signedIn(context, "operator"), await signedIn(context, "viewer")];
  const viewersOwn = new Set((await formsOf(viewer)).map(({ action }) => action));
  const writes = (await formsOf(operator)).filter(({ action }) => !viewersOwn.has(action));
  expect(writes.length).toBeGreaterThan(0);
  for (const form of writes) {
    // Of a page of the console, with the viewer's cookie.
    const status = await viewer.evaluate(async ({ action, fields }) => {
      const body = new URLSearchParams(fields);
      return (await fetch(action, { method: "POST", body, redirect: "manual" })).status;
    }, form);
    expect([form.action, status]).toEqual([form.action, 403]);
  }
});

interface Form {
  readonly action: string;
  readonly fields: [string, string][];
}

/** Returns the forms of all pages that post something. */
async function formsOf(page: Page): Promise<readonly Form[]> {
  const forms: Form[] = [];
  for (const { path } of await findPages(page)) {
    await page.goto(path);
    forms.push(
      ...(await page.evaluate<Form[]>(
        `Array.from(document.querySelectorAll("form[method=post]"), (form) =>
          ({ action: new URL(form.action).pathname, fields: [...new FormData(form)] }))`,
      )),
    );
  }
  return forms;
}
