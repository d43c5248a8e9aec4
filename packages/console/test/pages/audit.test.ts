import { createToken, discard } from "@dossier/store";
import { expect, test } from "vitest";
import { startTestConsole, TOKEN } from "../harness.ts";
import { openBrowser } from "./browser.ts";

test("the audit log is a page for admins, filtered by what the URL says", async (context) => {
  const console = await startTestConsole(context);
  const [id = ""] = await console.recordAndSettle("not JSON");
  await discard(console.pool, [id], { decidedBy: "Olga", reason: "<b>noise</b>" });
  const { token } = await createToken(console.pool, { name: "Ada", role: "operator", isService: false });
  const operator = openBrowser(console);
  await operator.signIn(token);
  expect((await operator.get("/audit")).status).toBe(403);
  expect((await operator.get("/")).text).not.toContain('href="/audit"');

  const admin = openBrowser(console);
  await admin.signIn(TOKEN);
  expect((await admin.get("/")).text).toContain('href="/audit"');
  const all = (await admin.get("/audit")).text;
  for (const words of ["Olga", "&lt;b&gt;noise", `href="/deliveries/${id}"`, "role: operator", "role: admin"])
    expect(all).toContain(words);
  const filtered = (await admin.get("/audit?who=Olga&action=discarded")).text;
  expect([filtered.includes(id), filtered.includes("role: admin")]).toEqual([true, false]);
});
