import { expect, test } from "vitest";
import { startTestConsole } from "./harness.ts";

test("the audit log has decisions beside what is done in the console, filtered and in pages", async (context) => {
  const { get, post, recordAndSettle } = await startTestConsole(context);
  const [one = "", other = ""] = await recordAndSettle("{", "not JSON");
  await post(`/dead-letters/${one}/discard`, { reason: "noise" });
  await post(`/dead-letters/${other}/redrive`, { reason: "fixed" });
  await get("/stats", { authorization: "Bearer wrong" });
  const { items, nextCursor } = (await get("/audit?limit=1&who=bootstrap")).json;
  expect(items).toMatchObject([{ who: "bootstrap", action: "redrove", subject: other, reason: "fixed" }]);
  const { json } = await get(`/audit?limit=9&who=bootstrap&cursor=${nextCursor}`);
  expect(json).toMatchObject({ items: [{ action: "discarded", subject: one }], nextCursor: null });
  const { json: filtered } = await get(`/audit?subject=${one}&action=discarded&since=2026-01-01T00:00:00Z`);
  expect(filtered.items).toEqual(json.items);
  expect((await get("/audit?action=stolen")).json.errors).toMatchObject([{ in: "query", name: "action" }]);
  const csv = await get("/audit/export?action=discarded");
  expect(csv.headers["content-type"]).toBe("text/csv; charset=utf-8");
  expect(csv.text.split("\r\n")[1]).toContain(`"bootstrap","discarded","${one}","noise"`);
  expect((await get("/audit/export?format=json&action=discarded")).json).toEqual(filtered.items);
  expect((await get("/audit?action=exported")).json.items).toMatchObject([
    { detail: { list: "audit", format: "json", filtered: "action" } },
    { detail: { list: "audit", format: "csv", filtered: "action" } },
  ]);
});
