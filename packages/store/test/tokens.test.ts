import { describe, expect, test } from "vitest";
import {
  createToken,
  findToken,
  hasTokens,
  listAudit,
  listTokens,
  recordTokenUse,
  revokeToken,
} from "../src/index.ts";
import { useRecord } from "./database.ts";

const record = useRecord({ size: 1, start: "empty" });
const ada = { name: "Ada Lovelace", role: "operator", isService: false } as const;

describe("a token", () => {
  test("is found by itself alone, and only its hash is in the record", async () => {
    expect(await hasTokens(record.pool)).toBe(false);
    const { token, tokenId } = await createToken(record.pool, ada);
    expect(token).toMatch(/^dossier_[\w-]{43}$/);
    expect(await hasTokens(record.pool)).toBe(true);
    expect(await findToken(record.pool, token)).toEqual({
      tokenId,
      name: "Ada Lovelace",
      role: "operator",
      isService: false,
      state: "valid",
    });
    const other = token.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    for (const wrong of ["", "x", other, token.slice(0, -1), `${token}A`]) {
      expect(await findToken(record.pool, wrong)).toBeUndefined();
    }
    expect(JSON.stringify(await record.dump())).not.toContain(token);
  });

  test("is valid until it is revoked, at once and for good", async () => {
    const { token, tokenId } = await createToken(record.pool, ada);
    expect(await revokeToken(record.pool, tokenId)).toBe("Ada Lovelace");
    const [first] = await listTokens(record.pool);
    await revokeToken(record.pool, tokenId);
    expect(await listTokens(record.pool)).toEqual([first]);
    expect(await findToken(record.pool, token)).toMatchObject({ state: "revoked" });
    expect(await revokeToken(record.pool, tokenId + 1)).toBeUndefined();
  });

  test("is valid until it expires", async () => {
    const { token } = await createToken(record.pool, { ...ada, expiresIn: 3_600 });
    const { token: old } = await createToken(record.pool, { ...ada, expiresIn: 0 });
    expect(await findToken(record.pool, token)).toMatchObject({ state: "valid" });
    expect(await findToken(record.pool, old)).toMatchObject({ state: "expired" });
  });

  test("is not created or revoked without an entry of the audit log, which names the login", async () => {
    const { tokenId } = await createToken(record.pool, ada);
    for (let n = 0; n < 2; n++) await revokeToken(record.pool, tokenId);
    const { items } = await listAudit(record.pool, {}, { limit: 9 });
    const [login] = await record.rows<{ name: string }>("select session_user::text as name");
    const { name, role } = ada;
    expect(items).toMatchObject([
      { who: login?.name, action: "token-revoked", detail: { command: "token revoke", tokenId, name } },
      { who: login?.name, action: "token-created", detail: { command: "token create", tokenId, name, role } },
    ]);

    const { tokenId: kept } = await createToken(record.pool, ada);
    const before = await record.dump();
    await record.pool.query("alter table audit_log add constraint full_disk check (false) not valid");
    await expect(createToken(record.pool, ada)).rejects.toThrow("full_disk");
    await expect(revokeToken(record.pool, kept)).rejects.toThrow("full_disk");
    expect(await record.dump()).toEqual(before);
    await record.pool.query("alter table audit_log drop constraint full_disk");
  });

  test("cannot have the name of the variable's", async () => {
    await expect(createToken(record.pool, { ...ada, name: "bootstrap" })).rejects.toThrow("check constraint");
  });

  test("has its last use recorded at most once a minute", async () => {
    const { tokenId } = await createToken(record.pool, ada);
    const lastUse = async () => (await listTokens(record.pool))[0]?.lastUsedAt;
    expect(await lastUse()).toBeNull();
    await recordTokenUse(record.pool, tokenId);
    const first = await lastUse();
    expect(first).toMatch(/Z$/);
    await recordTokenUse(record.pool, tokenId);
    expect(await lastUse()).toBe(first);
    await record.pool.query("update tokens set last_used_at = last_used_at - interval '61 seconds'");
    await recordTokenUse(record.pool, tokenId);
    expect((await lastUse())! > first!).toBe(true);
  });
});
