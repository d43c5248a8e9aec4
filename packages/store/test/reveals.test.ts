import { expect, test } from "vitest";
import { findRevealEnd, isRevealed, listAudit, reveal } from "../src/index.ts";
import { tamper, useRecord } from "./database.ts";

const record = useRecord({ size: 1, start: "empty" });
const made = { sessionId: "one session", subject: "Zoë/\u202E..", who: "Ada", reason: "a complaint" };

test("a reveal holds for its subject in its session alone, and is in the audit log", async () => {
  expect(await isRevealed(record.pool, made.sessionId, made.subject)).toBe(false);
  await reveal(record.pool, made);
  expect(await isRevealed(record.pool, made.sessionId, made.subject)).toBe(true);
  for (const [sessionId, subject] of [
    ["other", made.subject],
    [made.sessionId, "other"],
    [made.sessionId, "\0"],
    [undefined, made.subject],
  ] as const)
    expect(await isRevealed(record.pool, sessionId, subject)).toBe(false);
  const { sessionId, ...audited } = made;
  const { items } = await listAudit(record.pool, { subject: made.subject }, { limit: 9 });
  expect(items).toMatchObject([{ action: "revealed", ...audited }]);
  expect(JSON.stringify(await record.dump())).not.toContain(sessionId);
});

test("a reveal ends after 15 minutes by the database's clock, and the latest counts", async () => {
  await reveal(record.pool, made);
  const age = (by: string) =>
    tamper(record.pool, `update reveals set revealed_at = revealed_at - interval '${by}'`);
  await age("14 min 50 s");
  expect(await isRevealed(record.pool, made.sessionId, made.subject)).toBe(true);
  await reveal(record.pool, made);
  const end = await findRevealEnd(record.pool, made.sessionId, made.subject);
  await age("10 s");
  expect(await isRevealed(record.pool, made.sessionId, made.subject)).toBe(true);
  expect(await findRevealEnd(record.pool, made.sessionId, made.subject)).not.toBe(end);
  await age("15 min");
  expect(await findRevealEnd(record.pool, made.sessionId, made.subject)).toBeUndefined();
});

test("a reveal without its audit entry is not recorded, and none is ever changed", async () => {
  await record.rows("alter table audit_log add constraint none check (action <> 'revealed') not valid");
  try {
    await expect(reveal(record.pool, made)).rejects.toThrow("none");
  } finally {
    await record.rows("alter table audit_log drop constraint none");
  }
  expect(await isRevealed(record.pool, made.sessionId, made.subject)).toBe(false);
  await expect(record.rows("update reveals set revealed_at = now()")).rejects.toThrow("cannot be changed");
});
