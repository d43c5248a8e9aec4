/** What holds for each page of the console. */
import { encode, payload } from "@dossier/simulator";
import { expect, test } from "vitest";
import { seriousProblems, tooWide } from "./checks.ts";
import { useBrowser } from "./chromium.ts";
import { findPages } from "./pages.ts";

const open = useBrowser(async (dossier) => {
  await dossier.simulate(60);
  await dossier.settled();
  await dossier.sendTrouble();
  await dossier.settled();
  // A dead letter whose dry run changes a person, a delivery that came after it, and what waits for a confirmation.
  const body = encode(payload({ event: "NaturalPersonPending", entityId: "another-person" }));
  await dossier.recordDeadLetter(body);
  await dossier.send([encode(payload({ event: "NaturalPersonPending", entityId: "the-latest-person" }))]);
  await dossier.settled();
  const bulkAction = {
    action: "redrive",
    filter: { reason: "conflicting-duplicate" },
    reason: "iComply mended them",
  };
  await dossier.post("/bulk-actions", bulkAction);
});

/** A page that nobody finds is not looked at. */
const PAGES = [
  ...["worklist", "people", "people-detail", "deliveries", "deliveries-detail"],
  ...["dead-letters", "dead-letters-detail", "dead-letters-dry-run", "failing"],
  ...["bulk-actions", "bulk-actions-detail", "bulk-actions-dry-run", "queue", "audit", "system"],
];

test.for([
  ["light", 1280],
  ["dark", 1280],
  ["light", 390],
  ["dark", 390],
] as const)("each page is accessible and fits, in %s at %i pixels", async ([colorScheme, width], context) => {
  const page = await (await open(context)).signedIn(context, "admin", { colorScheme, width });
  const pages = await findPages(page);
  expect(pages.map(({ name }) => name)).toEqual(PAGES);
  for (const { path } of pages) {
    await page.goto(path);
    expect([path, await page.locator("main h1").count(), await tooWide(page)]).toEqual([path, 1, []]);
    expect([path, await seriousProblems(page)]).toEqual([path, []]);
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
