import { freshDatabase } from "@dossier/testing";
import { expect, test } from "vitest";
import { migrate, openPool, readInstallationId } from "../../src/index.ts";
import { useRecord } from "../database.ts";

const database = useRecord();

test("the installation's id stays, also through a further migration", async () => {
  const id = await readInstallationId(database.pool);
  await migrate(database.url);
  expect(await readInstallationId(database.pool)).toBe(id);
});

test("a copy of a database is another installation, whoever asks at the same time", async (context) => {
  const copy = await freshDatabase({ name: "copy", make: migrate });
  context.onTestFinished(copy.drop);
  const pool = openPool(copy.url, { name: "test", size: 4 });
  context.onTestFinished(() => pool.end());
  await pool.query("delete from installations where database_identity = database_identity()");
  const source =
    "insert into installations values ('1/1', gen_random_uuid()) returning installation_id as id";
  const { rows } = await pool.query<{ id: string }>(source);
  const ids = new Set(await Promise.all(Array.from({ length: 4 }, () => readInstallationId(pool))));
  expect(ids.size).toBe(1);
  expect(ids).not.toContain(rows[0]?.id);
});
