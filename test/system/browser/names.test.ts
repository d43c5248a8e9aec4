/** Texts that a sender may choose, on every page that shows them: they do no harm, and are read as they are. */
import { encode, payload } from "@dossier/simulator";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { tooWide } from "./checks.ts";
import { reveal, useBrowser } from "./chromium.ts";

const TEXTS = {
  script: "<script>globalThis.isHarmed = true</script>",
  image: `"'><img src="x" onerror="globalThis.isHarmed = true">`,
  turned: "\u202egnp.exe \u2067שלום\u2066 \u200f",
  long: "x".repeat(5_000),
  emoji: "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 e\u0301\u0323\u0330",
  nul: "nul \0 nul",
  halves: "half \ud83d half \udc69",
};

type Kind = keyof typeof TEXTS;
const KINDS = Object.keys(TEXTS) as readonly Kind[];

/** What ids and types may be: shorter, and text that Postgres keeps. */
const idOf = (kind: Kind) => `${kind} ${TEXTS[kind].slice(0, 150).replaceAll("\0", "").toWellFormed()}`;

/** As HTML has it: it knows no NUL, and UTF-8 no half of a pair. */
const shown = (text: string) => text.replaceAll("\0", "").toWellFormed();

function bodiesOf(kind: Kind): readonly Buffer[] {
  const [text, entityId] = [TEXTS[kind], idOf(kind)];
  const person = { entity: text, email: `${text}@example.com`, message: text };
  return [
    payload({ event: "NaturalPersonPending", entityId, data: person }),
    payload({
      event: "NaturalPersonUploadedSupportingDocument",
      entityId,
      data: { ...person, supportingDocumentType: text, supportingDocumentDescription: text },
    }),
    payload({
      event: "NaturalPersonManuallyApproved",
      entityId,
      data: { ...person, userName: text, userEmail: text, description: text, entityStatus: text },
    }),
    { ...payload({ event: "An unknown type", entityId, data: person }), event: idOf(kind), [text]: text },
    // Its dead letter says what is wrong with it.
    { ...payload({ event: idOf(kind), entityId, data: person }), creationTimeUtc: text },
  ].map(encode);
}

const open = useBrowser(async (dossier) => {
  await dossier.send(KINDS.flatMap(bodiesOf));
  await dossier.settled();
  for (const kind of KINDS)
    await dossier.recordDeadLetter(
      encode(payload({ event: "NaturalPersonPending", id: "2", entityId: idOf(kind) })),
      TEXTS[kind].replaceAll("\0", "").toWellFormed(),
    );
});

async function expectNoHarm(page: Page): Promise<void> {
  expect([page.url(), await tooWide(page)]).toEqual([page.url(), []]);
  expect([page.url(), await page.evaluate("globalThis.isHarmed")]).toEqual([page.url(), undefined]);
  expect(await page.locator("main img").count()).toBe(0);
}

test.for(KINDS)("a person whose texts are of the kind %s does no harm on any page", async (kind, context) => {
  const { signedIn, dossier } = await open(context);
  const page = await signedIn(context, "operator", { width: 390 });
  const person = `/natural-persons/${encodeURIComponent(idOf(kind))}`;
  await page.goto(person);
  await page.getByRole("heading", { name: "Time travel" }).waitFor();
  await expectNoHarm(page);
  await reveal(page, TEXTS[kind].slice(0, 100).replaceAll("\0", "").toWellFormed());
  await expectNoHarm(page);
  expect(await page.textContent("h1")).toContain(shown(TEXTS[kind]));
  expect(await page.getByRole("region", { name: "Documents" }).textContent()).toContain(shown(TEXTS[kind]));
  expect(await page.locator("main").textContent()).toContain(idOf(kind));

  const deliveries = await dossier.rows<{ id: string }>(
    "select delivery_id as id from deliveries where convert_from(body, 'UTF8') like '%' || $1 || '%' order by delivery_id",
    [JSON.stringify(idOf(kind)).slice(1, -1).replaceAll("\\", "\\\\")],
  );
  expect(deliveries.length).toBe(6);
  for (const { id } of deliveries) {
    await page.goto(`/deliveries/${id}`);
    await page.getByRole("heading", { name: /^Payload/ }).waitFor();
    await expectNoHarm(page);
  }
  await page.goto(`/deliveries/${deliveries.at(-1)?.id}/redrive`);
  await expectNoHarm(page);
});

test("lists of such persons, deliveries and dead letters do no harm", async (context) => {
  const { signedIn, dossier } = await open(context);
  const filter = { reason: "fold-failed", event: idOf("script") };
  await dossier.post("/bulk-actions", { action: "discard", filter, reason: TEXTS.image });
  const page = await signedIn(context, "admin", { width: 390 });
  const paths = [
    "/",
    "/natural-persons",
    "/deliveries",
    "/dead-letters",
    "/failing",
    "/bulk-actions",
    "/bulk-actions/1",
  ];
  for (const path of [...paths, "/queue", "/audit"]) {
    await page.goto(path);
    await page.locator("h1").waitFor();
    await expectNoHarm(page);
  }
  await page.goto("/");
  for (const kind of KINDS) expect(await page.locator("main").textContent()).toContain(idOf(kind));
  await page.goto("/dead-letters?reason=fold-failed");
  expect(await page.locator("main").textContent()).toContain(TEXTS.script);
});
