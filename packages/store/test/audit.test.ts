import { parseTicks } from "@dossier/events";
import { expect, test } from "vitest";
import {
  abortBulkAction,
  appendAudit,
  confirmBulkAction,
  createBulkAction,
  decideNextBatch,
  discard,
  listAudit,
  redrive,
  type AuditPosition,
} from "../src/index.ts";
import { tamper, useRecord } from "./database.ts";

const record = useRecord({ size: 1, start: "empty" });
const failed = { who: null, action: "sign-in-failed", reason: "unknown", detail: { failures: 3 } } as const;

/** Reads all pages of `limit` entries. */
async function readPages(limit: number) {
  const items: unknown[] = [];
  for (let after: AuditPosition | undefined; ;) {
    const page = await listAudit(record.pool, {}, { limit, after });
    items.push(...page.items);
    after = page.next;
    if (after === undefined) return items;
  }
}

test("the audit log returns its entries and the decisions, the latest first, in pages", async () => {
  const [one = "", other = ""] = await record.recordAndSettle("not JSON", "{");
  await appendAudit(record.pool, { who: "Ada", action: "signed-in" });
  await discard(record.pool, [one, other], { decidedBy: "Ada", reason: "noise" });
  await appendAudit(record.pool, failed);
  const { items } = await listAudit(record.pool, {}, { limit: 9 });
  const discarded = { who: "Ada", action: "discarded", reason: "noise", detail: null };
  expect(items).toMatchObject([
    { ...failed, subject: null },
    { ...discarded, subject: expect.any(String) },
    discarded,
    { who: "Ada", action: "signed-in", subject: null, reason: null, detail: null },
  ]);
  expect(new Set(items.slice(1, 3).map(({ subject }) => subject))).toEqual(new Set([one, other]));
  for (const limit of [1, 2, 3]) expect(await readPages(limit)).toEqual(items);
});

test("pages return entries of one time once each, whatever table they are in", async () => {
  const ids = await record.recordAndSettle("a", "b", "c");
  await discard(record.pool, ids, { decidedBy: "Ada", reason: "noise" });
  for (let n = 0; n < 3; n++) await appendAudit(record.pool, failed);
  const time = "'2026-01-01T00:00:00.123457Z'";
  await tamper(record.pool, `update audit_log set at = ${time}`, `update decisions set decided_at = ${time}`);
  const all = (await listAudit(record.pool, {}, { limit: 9 })).items;
  expect(all).toHaveLength(6);
  for (const limit of [1, 2, 4]) expect(await readPages(limit)).toEqual(all);
});

test("the audit log is filtered by who, action, subject and time", async () => {
  const [id = ""] = await record.recordAndSettle("not JSON");
  await redrive(record.pool, [id], { decidedBy: "Olga", reason: "fixed" });
  await appendAudit(record.pool, { who: "Ada", action: "signed-in" });
  await tamper(record.pool, "update audit_log set at = at + interval '1 hour'");
  const actionsOf = async (filter: Parameters<typeof listAudit>[1]) =>
    (await listAudit(record.pool, filter, { limit: 9 })).items.map(({ action }) => action);
  const latest = (await listAudit(record.pool, {}, { limit: 1 })).items[0]!.at;
  expect(await actionsOf({ who: "Olga" })).toEqual(["redrove"]);
  expect(await actionsOf({ who: "Ada" })).toEqual(["signed-in"]);
  expect(await actionsOf({ action: "redrove" })).toEqual(["redrove"]);
  expect(await actionsOf({ action: "signed-in" })).toEqual(["signed-in"]);
  expect(await actionsOf({ subject: id })).toEqual(["redrove"]);
  expect(await actionsOf({ since: parseTicks(latest) })).toEqual(["signed-in"]);
  expect(await actionsOf({ before: parseTicks(latest) })).toEqual(["redrove"]);
});

test("who made, confirmed and aborted a bulk action is listed, without its text, and its decisions name it", async () => {
  const { pool } = record;
  await record.recordAndSettle("a Canary", "another Canary");
  const bulk = { action: "discard", reason: "noise", createdBy: "Ada" } as const;
  const id = await createBulkAction(pool, {
    ...bulk,
    filter: { reason: "unparsable", text: "Canary" },
  });
  await confirmBulkAction(pool, id, "Olga");
  await decideNextBatch(pool, "9f8b1c7e-0000-4000-8000-000000000000");
  const aborted = await createBulkAction(pool, { ...bulk, filter: {} });
  await abortBulkAction(pool, aborted, "Eve");
  await discard(pool, await record.recordAndSettle("alone"), { decidedBy: "Olga", reason: "noise" });

  const { items } = await listAudit(pool, {}, { limit: 9 });
  const detail = { bulkAction: id, decision: "discard", count: 2, filter: "text: •••, reason: unparsable" };
  expect(items).toMatchObject([
    { action: "discarded", who: "Olga", detail: null },
    { action: "bulk-action-aborted", who: "Eve", detail: { bulkAction: aborted, count: 0, filter: "all" } },
    { action: "bulk-action-created", who: "Ada" },
    { action: "discarded", who: "Olga", detail: { bulkAction: id } },
    { action: "discarded", who: "Olga", detail: { bulkAction: id } },
    { action: "bulk-action-confirmed", who: "Olga", reason: "noise", subject: null, detail },
    { action: "bulk-action-created", who: "Ada", reason: "noise", subject: null, detail },
  ]);
  expect(JSON.stringify(items)).not.toContain("Canary");
  for (const limit of [1, 2, 3]) expect(await readPages(limit)).toEqual(items);
  const { items: confirmed } = await listAudit(
    pool,
    { action: "bulk-action-confirmed", who: "Olga" },
    { limit: 9 },
  );
  expect(confirmed).toHaveLength(1);
});
