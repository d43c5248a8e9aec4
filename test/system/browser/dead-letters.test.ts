/** Decisions about dead letters, one by one and in bulk. */
import { encode, payload } from "@dossier/simulator";
import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { useBrowser } from "./chromium.ts";
import { NAMES } from "./dossier.ts";

/** One more than a bulk action decides about in one transaction. */
const UNPARSABLE = 501;

const PERSON = "somebody";

const open = useBrowser(async (dossier) => {
  await dossier.send([encode(payload({ event: "NaturalPersonPending", entityId: PERSON }))]);
  await dossier.send(Array.from({ length: UNPARSABLE }, (_, n) => Buffer.from(`no JSON: ${n}`)));
  await dossier.settled();
});

test("a dry run shows what a redrive changes, the redrive takes a reason, and the person's state follows", async (context) => {
  const { dossier, signedIn } = await open(context);
  await dossier.recordDeadLetter(encode(payload({ event: "NaturalPersonUploadedID", entityId: PERSON })));
  const page = await signedIn(context, "operator");
  await page.goto("/dead-letters?reason=fold-failed");
  await page.locator("tbody th a").click();
  await page.getByRole("link", { name: "Dry run, then redrive…" }).click();
  await page.getByText("1 would be applied").waitFor();
  const changes = page.getByRole("region", { name: "What would change" });
  const status = changes.getByRole("listitem").filter({ hasText: "status" });
  expect(await status.textContent()).toMatch(/status\s+pending\s+→\s+id-uploaded/);
  expect(await page.getByText("What would fail again").count()).toBe(0);
  await page.getByLabel("Why?").fill("the code is mended");
  await page.getByRole("button", { name: "Redrive" }).click();
  await page.waitForURL(/\/deliveries\/[\w-]+$/);
  await dossier.settled();
  await page.reload();
  await page.getByText("Nothing: it is in the log.").waitFor();
  expect(await page.locator(".entries").textContent()).toMatch(
    new RegExp(`${NAMES.operator}.*redrive.*the code is mended`, "s"),
  );
  await page.getByRole("link", { name: PERSON }).click();
  await page.getByRole("heading", { name: "Time travel" }).waitFor();
  expect(await page.getByRole("region", { name: "State" }).textContent()).toMatch(/Status\s*ID uploaded/);
});

test("a dry run says what would fail again, and why", async (context) => {
  const page = await (await open(context)).signedIn(context, "operator");
  await page.goto("/dead-letters?reason=unparsable");
  await page.locator("tbody th a").first().click();
  await page.getByRole("link", { name: "Dry run, then redrive…" }).click();
  await page.getByText("1 would be dead-lettered again").waitFor();
  expect(await page.getByRole("region", { name: "What would change" }).textContent()).toContain(
    "No person's state.",
  );
  expect(await page.getByRole("region", { name: "What would fail again" }).textContent()).toMatch(
    /unparsable: /,
  );
});

test("a bulk discard that is aborted midway says what it did, and leaves the rest", async (context) => {
  const { dossier, signedIn } = await open(context);
  // After the first batch, another console has it, which stands still.
  await dossier.rows(`
    create function hand_over() returns trigger language plpgsql as
      'begin new.held_by := gen_random_uuid(); new.held_until := ''infinity''; return new; end'`);
  await dossier.rows(
    "create trigger hand_over before update of decided on bulk_actions for each row execute function hand_over()",
  );
  const page = await signedIn(context, "operator");
  const decide = async (decision: string, count: string) => {
    await page.goto("/dead-letters?reason=unparsable");
    await page.getByText(`Decide about all ${count} that match…`).click();
    await page.getByLabel("Decision").selectOption(decision);
    await page.getByLabel("Why?").fill("junk");
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByRole("heading", { name: "Nothing is decided yet" }).waitFor();
  };
  await decide("discard", "501");
  expect(await page.textContent("h1")).toBe("Discard 501 dead letters");
  expect(
    await page.getByRole("region", { name: "The latest 10 of exactly 501" }).getByRole("listitem").count(),
  ).toBe(10);
  const left = () =>
    dossier.rows(
      `select count(*)::int as left from settlements
       where settled_as = 'dead-lettered' and dead_letter_reason = 'unparsable'`,
    );
  expect(await left()).toEqual([{ left: 501 }]);
  await page.getByRole("button", { name: "Discard exactly these 501" }).click();
  // The page follows by itself.
  await page.getByText("500 of 501 decided").waitFor();
  await page.getByRole("button", { name: "Abort" }).click();
  const progress = page.getByRole("region", { name: "Progress aborted" });
  expect(await progress.textContent()).toMatch(
    /500 of 501 decided.*Nothing was decided about the other 1\./s,
  );
  const who = page.locator("section").filter({ has: page.getByRole("heading", { name: "Who and why" }) });
  expect(await who.textContent()).toMatch(new RegExp(`${NAMES.operator} · aborted`));
  expect(await page.getByRole("button", { name: "Abort" }).count()).toBe(0);

  // A console that could go on with it does not: what is left is another action's.
  await dossier.rows("drop trigger hand_over on bulk_actions");
  await dossier.rows("update bulk_actions set held_until = null");
  await decide("discard", "1");
  await page.getByRole("button", { name: "Discard exactly this one" }).click();
  await page.getByRole("heading", { name: "Progress completed" }).waitFor();
  expect(await page.textContent("main")).toContain("1 of 1 decided");
  await waitFor(left, (found) => expect(found).toEqual([{ left: 0 }]));
});
