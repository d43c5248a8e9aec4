/** What a viewer's token and session cannot do, asked of the console itself. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { reveal, useBrowser } from "./chromium.ts";
import type { Dossier } from "./dossier.ts";

const open = useBrowser(async (dossier) => {
  await dossier.simulate(3);
  await dossier.sendTrouble();
  await dossier.settled();
});

/** They change nothing. */
const READS = new Set(
  ["natural-persons", "deliveries", "dead-letters"].map((list) => `/api/v1/${list}/search`),
);

const WRITES = [
  "/api/v1/bulk-actions",
  "/api/v1/bulk-actions/{bulkActionId}/abort",
  "/api/v1/bulk-actions/{bulkActionId}/confirm",
  "/api/v1/dead-letters/discard",
  "/api/v1/dead-letters/redrive",
  "/api/v1/dead-letters/restore",
  "/api/v1/dead-letters/{deliveryId}/discard",
  "/api/v1/dead-letters/{deliveryId}/redrive",
  "/api/v1/dead-letters/{deliveryId}/restore",
  "/api/v1/natural-persons/{entityId}/reveal",
];

test("the API refuses a viewer each write of its document", async (context) => {
  const { dossier } = await open(context);
  const document = (await (await fetch(`${dossier.url}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, object>>;
  };
  const writes = Object.entries(document.paths)
    .filter(([path, operations]) => "post" in operations && !READS.has(path))
    .map(([path]) => path);
  expect(writes).toEqual(expect.arrayContaining(WRITES));
  for (const path of writes) {
    const { status } = await fetch(dossier.url + path.replaceAll(/\{\w+\}/g, "1"), {
      method: "POST",
      headers: { authorization: `Bearer ${dossier.tokens.viewer}`, "content-type": "application/json" },
      body: "{}",
    });
    expect([path, status]).toEqual([path, 403]);
  }
});

/** What the pages have for others, and not for a viewer. */
const FORMS = [
  "/audit/export",
  "/bulk-actions",
  "/bulk-actions/:id/abort",
  "/bulk-actions/:id/confirm",
  "/dead-letters",
  "/deliveries",
  "/deliveries/:id/discard",
  "/deliveries/:id/redrive",
  "/deliveries/:id/restore",
  "/natural-persons/:id/evidence",
  "/natural-persons/:id/reveal",
  "/natural-persons/:id/verify",
  "/natural-persons/export",
];

test("the pages show a viewer no form that writes, and refuse those that others see", async (context) => {
  const { dossier, signedIn } = await open(context);
  const [admin, viewer] = [await signedIn(context, "admin"), await signedIn(context, "viewer")];
  const { person, paths } = await preparePages(dossier);
  const masked = await formsOf(admin, paths);
  await admin.goto(person);
  await reveal(admin, "a test");
  const forms = [...masked, ...(await formsOf(admin, [person]))];

  const viewersOwn = new Set((await formsOf(viewer, paths)).map(({ action }) => action));
  expect([...viewersOwn].toSorted()).toEqual(["/natural-persons", "/sign-out"]);
  const writes = forms.filter(({ action }) => !viewersOwn.has(action));
  const named = writes.map(({ action }) => action.replace(/\/(?:[\da-f-]{36}|\d+)(?=\/)/, "/:id"));
  expect([...new Set(named)].toSorted()).toEqual(FORMS);
  const before = await written(dossier);
  for (const form of writes) {
    // Of a page of the console, with the viewer's cookie.
    const status = await viewer.evaluate(async ({ action, fields }) => {
      const body = new URLSearchParams(fields);
      return (await fetch(action, { method: "POST", body, redirect: "manual" })).status;
    }, form);
    expect([form.action, status]).toEqual([form.action, 403]);
  }
  expect(await written(dossier)).toEqual(before);
});

/** Returns the pages that have all forms, once something is discarded and a bulk action is previewed. */
async function preparePages({ rows, post }: Dossier) {
  const [dead, discarded] = await rows<{ id: string }>(
    "select delivery_id as id from dead_letters order by dead_letter_id limit 2",
  );
  const [found] = await rows<{ id: string }>(
    "select entity_id as id from natural_persons where status = 'approved' limit 1",
  );
  await post(`/dead-letters/${discarded?.id}/discard`, { reason: "junk" });
  const filter = { reason: "unparsable" };
  const made = await post<{ bulkActionId: number }>("/bulk-actions", {
    action: "discard",
    filter,
    reason: "junk",
  });
  const person = `/natural-persons/${found?.id}`;
  const deliveries = [
    `/deliveries/${dead?.id}`,
    `/deliveries/${dead?.id}/redrive`,
    `/deliveries/${discarded?.id}`,
  ];
  const lists = [
    "/",
    "/natural-persons",
    "/deliveries",
    "/dead-letters?reason=unparsable",
    "/failing",
    "/audit",
    "/system",
  ];
  return {
    person,
    paths: [...lists, person, ...deliveries, "/bulk-actions", `/bulk-actions/${made.bulkActionId}`],
  };
}

/** Returns how much was written by people, apart from that they signed in. */
function written({ rows }: Dossier) {
  return rows(`select (select count(*) from decisions) as decisions, (select count(*) from reveals) as reveals,
    (select json_agg(state order by bulk_action_id) from bulk_actions) as states, (select count(*) from audit_log) as audit`);
}

interface Form {
  readonly action: string;
  readonly fields: [string, string][];
}

/** Returns the forms of pages that post something. */
async function formsOf(page: Page, paths: readonly string[]): Promise<readonly Form[]> {
  const forms: Form[] = [];
  for (const path of paths) {
    await page.goto(path);
    forms.push(
      ...(await page.evaluate<Form[]>(
        // A field may be named as the form's property is.
        `Array.from(document.querySelectorAll("form[method=post]"), (form) => ({
          action: new URL(form.getAttribute("action") ?? "", location).pathname,
          fields: [...new FormData(form)],
        }))`,
      )),
    );
  }
  return forms;
}
