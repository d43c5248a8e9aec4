import { appendAuditEntries, createToken, discard } from "@dossier/store";
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

test("an entry leads to the delivery or the person that it is about", async (context) => {
  const console = await startTestConsole(context);
  const [id = ""] = await console.recordAndSettle("not JSON");
  const person = "0196b4ba-17b6-7c2f-8000-4a3f9d0c1b2a";
  await appendAuditEntries(console.pool, [
    { who: "Ada", action: "revealed", subject: id, reason: "ticket 1" },
    { who: "feed", action: "read", subject: person },
  ]);
  const admin = openBrowser(console);
  await admin.signIn(TOKEN);
  const { text } = await admin.get("/audit");
  for (const path of [`/deliveries/${id}`, `/natural-persons/${person}`])
    expect(text).toContain(`href="${path}"`);
  expect(text).not.toContain(`/natural-persons/${id}`);
});

test("the decisions of a bulk action are one line, which leads to it", async (context) => {
  const console = await startTestConsole(context);
  await console.recordAndSettle("not JSON", "{", "nor this");
  const filter = { reason: "unparsable" };
  const { bulkActionId } = await console.decideInBackground("/dead-letters/discard", {
    filter,
    reason: "noise",
  });
  const admin = openBrowser(console);
  await admin.signIn(TOKEN);
  const { text } = await admin.get("/audit");
  const link = `<a href="/bulk-actions/${bulkActionId}">bulk action ${bulkActionId}</a>`;
  for (const words of [
    `discarded 3 deliveries ${link}`,
    `bulk action created  ${link}`,
    "filter: reason: unparsable",
  ])
    expect(text).toContain(words);
});

test("the audit log is exported whole, as CSV without formulas and as JSON, as the filter says", async (context) => {
  const console = await startTestConsole(context);
  const evil = '=HYPERLINK("https://evil.example")';
  const entries = Array.from({ length: 1_203 }, (_, n) => ({
    ...{ who: "feed", action: "read", subject: `person ${n}`, detail: { operation: "getNaturalPerson" } },
  }));
  await appendAuditEntries(console.pool, entries as never);
  await appendAuditEntries(console.pool, [{ who: evil, action: "verified", reason: 'say "a", b' }]);
  const admin = openBrowser(console);
  await admin.signIn(TOKEN);
  const csv = await admin.post("/audit/export", { format: "csv" });
  expect([csv.status, csv.headers["content-disposition"]]).toEqual([200, 'attachment; filename="audit.csv"']);
  const lines = csv.text.split("\r\n");
  expect(lines[0]).toBe('"at","who","action","subject","reason","detail"');
  expect(csv.text).toContain('"\'=HYPERLINK(""https://evil.example"")","verified","","say ""a"", b",""');
  expect(lines.filter((line) => line.includes('"feed"'))).toHaveLength(1_203);

  const json = await admin.post("/audit/export", { format: "json", action: "read", subject: "person 7" });
  expect(json.json).toMatchObject([{ who: "feed", action: "read", subject: "person 7" }]);
  expect((await admin.post("/audit/export", { format: "json", who: "nobody" })).json).toEqual([]);
  expect((await admin.post("/audit/export", { format: "xml" })).status).toBe(400);
  const { items } = (await console.get("/audit?action=exported")).json;
  expect(items.map(({ detail }: { detail: object }) => detail)).toEqual([
    { list: "audit", format: "json", filtered: "who" },
    { list: "audit", format: "json", filtered: "action subject" },
    { list: "audit", format: "csv", filtered: "no" },
  ]);
});
