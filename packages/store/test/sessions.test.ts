import { expect, test } from "vitest";
import {
  createSession,
  createToken,
  endSession,
  findSession,
  recordSessionUse,
  revokeToken,
} from "../src/index.ts";
import { useRecord } from "./database.ts";

const record = useRecord({ size: 1, start: "empty" });

async function open(expiresIn?: number) {
  const { tokenId } = await createToken(record.pool, {
    name: "Ada",
    role: "operator",
    isService: false,
    expiresIn,
  });
  return { tokenId, sessionId: await createSession(record.pool, { tokenId }) };
}

const find = (sessionId: string, bootstrapToken?: string) =>
  findSession(record.pool, sessionId, bootstrapToken);
const age = (column: string, by: string) =>
  record.rows(`update sessions set ${column} = ${column} - interval '${by}'`);

test("a session is found by its id alone, which is not in the record, until it is ended", async () => {
  const { tokenId, sessionId } = await open();
  expect(await find(sessionId)).toEqual({ tokenId, name: "Ada", role: "operator", isUseRecorded: true });
  expect(await find(`${sessionId}x`)).toBeUndefined();
  expect(JSON.stringify(await record.dump())).not.toContain(sessionId);
  await endSession(record.pool, sessionId);
  expect(await find(sessionId)).toBeUndefined();
});

test("a session ends with its token, at once", async () => {
  const { tokenId, sessionId } = await open();
  await revokeToken(record.pool, tokenId);
  expect(await find(sessionId)).toBeUndefined();
  expect(await find((await open(0)).sessionId)).toBeUndefined();
});

test("a session of DOSSIER_API_TOKEN ends when that changes, and the record does not have it", async () => {
  const sessionId = await createSession(record.pool, { bootstrapToken: "guessable" });
  expect(await find(sessionId, "guessable")).toEqual({ tokenId: undefined, isUseRecorded: true });
  expect(await find(sessionId, "other")).toBeUndefined();
  expect(await find(sessionId)).toBeUndefined();
});

test("a session ends 30 minutes after its last use", async () => {
  const { sessionId } = await open();
  await age("last_seen_at", "29 min");
  expect(await find(sessionId)).toMatchObject({ isUseRecorded: false });
  await recordSessionUse(record.pool, sessionId);
  expect(await find(sessionId)).toMatchObject({ isUseRecorded: true });
  await age("last_seen_at", "29 min");
  expect(await find(sessionId)).toBeDefined();
  await age("last_seen_at", "2 min");
  expect(await find(sessionId)).toBeUndefined();
});

test("a session ends 12 hours after its sign-in, and the next sign-in removes it", async () => {
  const { sessionId } = await open();
  await age("created_at", "11 h 59 min");
  expect(await find(sessionId)).toBeDefined();
  await age("created_at", "2 min");
  expect(await find(sessionId)).toBeUndefined();
  await open();
  expect(await record.rows("select from sessions")).toHaveLength(1);
});
