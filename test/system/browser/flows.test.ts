/** What operators come for, from the first page to the audit log. */
import { expect, test } from "vitest";
import { useBrowser } from "./chromium.ts";
import { NAMES } from "./dossier.ts";

const open = useBrowser(async (dossier) => {
  await dossier.simulate(20);
  await dossier.settled();
});

test("the worklist shows a dead letter that comes while somebody looks at it", async (context) => {
  const { dossier, signedIn } = await open(context);
  const page = await signedIn(context, "viewer");
  expect(await page.getByText("Dead letters: unparsable").count()).toBe(0);
  await dossier.sendTrouble();
  await page.getByText("Dead letters: unparsable").waitFor();
});

test("an operator finds a person, reveals them with a reason, and an admin reads that in the audit log", async (context) => {
  const { signedIn, dossier } = await open(context);
  const [person] = await dossier.rows<{ id: string; state: string }>(
    "select entity_id as id, state::text from natural_persons where status = 'approved' order by entity_id limit 1",
  );
  const { name, email } = JSON.parse(person?.state ?? "") as { name: string; email: string };
  const page = await signedIn(context, "operator");
  await page.goto("/natural-persons");
  await page.locator("#search").fill(email);
  await page.keyboard.press("Enter");
  const link = page.locator(`main a[href*="${person?.id}"]`).first();
  await link.waitFor();
  expect(page.url()).not.toContain(encodeURIComponent(email));
  await link.click();
  await page.getByText("Reveal…").first().waitFor();
  expect(await page.locator("main").textContent()).not.toContain(name);
  await page.getByText("Reveal…").first().click();
  await page.getByLabel("Why do you need to see this?").first().fill("ticket 4711");
  await page.keyboard.press("Enter");
  await page.locator("main").getByText(name).first().waitFor();

  const admin = await signedIn(context, "admin");
  await admin.goto("/audit?action=revealed");
  const row = admin.getByRole("row").filter({ hasText: "ticket 4711" });
  expect(await row.textContent()).toContain(NAMES.operator);
  expect(await row.textContent()).toContain(person?.id);
});
