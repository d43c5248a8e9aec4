import { freePort } from "@dossier/embedded";
import { expect, test } from "vitest";
import { dossier } from "./command.ts";
import { startConsoleAlone } from "./services.ts";

test("ready prints each check of a process, and why it failed", async () => {
  const { opsPort, pool } = await startConsoleAlone();
  const env = { OPS_PORT: String(opsPort) };
  const ready = await dossier(["ready"], env);
  expect(ready).toEqual({
    code: 0,
    stdout: "status    ready\nqueue     ok\neviction  ok\npostgres  ok\n",
    stderr: "",
  });

  await pool.query("alter table migrations rename to elsewhere");
  const unready = await dossier(["ready"], env);
  expect(unready.code).toBe(1);
  expect(unready.stdout).toMatch(/^status +unready$/m);
  expect(unready.stdout).toMatch(/^postgres +relation "migrations" does not exist$/m);
  expect(unready.stderr).toBe(`http://127.0.0.1:${opsPort} is not ready: unready\n`);
  const { stdout } = await dossier(["ready", `http://localhost:${opsPort}/readyz`, "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ status: "unready", checks: { queue: "ok" } });
});

test("ready says that nothing answers, and exits with 1", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { code, stderr } = await dossier(["ready", url]);
  expect(code).toBe(1);
  expect(stderr).toContain(`Nothing answers at ${url} (connect ECONNREFUSED`);
});

test("ready without a port to ask says how to name one", async () => {
  const { code, stderr } = await dossier(["ready"], { DOSSIER_DATA_DIR: "/nonexistent" });
  expect(code).toBe(1);
  expect(stderr).toContain("OPS_PORT is not set");
});
