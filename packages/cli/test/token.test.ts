import { findDeadLetter } from "@dossier/store";
import { expect, test } from "vitest";
import { dossier } from "./command.ts";
import { startConsoleAlone } from "./services.ts";

async function startTokens() {
  const { env, url, ...record } = await startConsoleAlone();
  const token = (...args: readonly string[]) => dossier(["token", ...args], { MIGRATION_DATABASE_URL: url });
  const dead = (DOSSIER_API_TOKEN: string, ...args: readonly string[]) =>
    dossier(["dead", ...args], { ...env, DOSSIER_API_TOKEN });
  return { ...record, token, dead };
}

test("token create prints a token once, with which decisions carry its name until it is revoked", async () => {
  const { pool, recordAndSettle, token, dead } = await startTokens();
  const [id = ""] = await recordAndSettle("{");
  const created = await token("create", "--name", "Ada Lovelace", "--role", "operator", "--expires", "90d");
  expect(created.code).toBe(0);
  const secret = created.stdout.trim();
  expect(secret).toMatch(/^dossier_/);
  expect(created.stderr).not.toContain(secret);

  expect((await dead(secret, "discard", id, "--because", "noise")).code).toBe(0);
  expect(await findDeadLetter(pool, id)).toMatchObject({ decisions: [{ decidedBy: "Ada Lovelace" }] });

  const listed = await token("list");
  expect(listed.stdout).toMatch(/ 1 {2}Ada Lovelace {2}person {2}operator {2}valid /);
  expect(listed.stdout).not.toContain(secret);
  expect((await token("revoke", "1")).stdout).toBe("token 1 (Ada Lovelace) is revoked\n");
  expect(JSON.parse((await token("list", "--json")).stdout)).toMatchObject([
    { tokenId: 1, state: "revoked" },
  ]);
  expect((await dead(secret, "list")).stderr).toContain("does not accept the token");
  expect((await token("revoke", "2")).code).toBe(1);
});

test.each([
  ["--name", "bootstrap", "--role", "viewer"],
  ["--name", "a\u001Bb", "--role", "viewer"],
  ["--name", "Ada", "--role", "owner"],
  ["--name", "Ada", "--role", "viewer", "--expires", "soon"],
  ["--name", "Ada"],
])("token create %j %j %j %j is misuse, and creates none", async (...args) => {
  const { code, stdout } = await dossier(["token", "create", ...args], {
    DATABASE_URL: "postgres://127.0.0.1:1/x",
  });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
});
