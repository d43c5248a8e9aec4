/** The login of deploy/kubernetes' scaler, and the queries that it runs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { queryAs, tamper } from "../database.ts";
import { migratedDatabase, openRecord } from "../fixtures.ts";

const KEDA = join(import.meta.dirname, "../../../../deploy/kubernetes/components/keda");

interface ScaledObject {
  readonly spec: { readonly triggers: readonly { readonly metadata: { readonly query: string } }[] };
}

test("the scaler's login reads the age and the number of open deliveries, and nothing else", async (context) => {
  const url = await migratedDatabase(context);
  // Roles are those of the whole server. The ones whose names begin with a database's are dropped with it.
  const login = `${new URL(url).pathname.slice(1)}_scaler`;
  const statements = readFileSync(join(KEDA, "scaler.sql"), "utf8").replaceAll("dossier_scaler", login);
  await queryAs(url, `${statements}; alter role ${login} password 'x'`);
  const scalerUrl = Object.assign(new URL(url), { username: login, password: "x" }).href;
  const [text = ""] = readFileSync(join(KEDA, "scaler.yaml"), "utf8").split("\n---\n");
  const { triggers } = (parse(text) as ScaledObject).spec;
  const read = () =>
    Promise.all(
      triggers.map(async ({ metadata }) =>
        Object.values((await queryAs(scalerUrl, metadata.query)) as Record<string, number>),
      ),
    );
  expect(await read()).toEqual([[0], [0]]);

  const { pool, record } = await openRecord(context, { url, size: 1 });
  const [waits] = await record("one", "another", "a third");
  await tamper(
    pool,
    `update deliveries set received_at = now() - interval '1 h' where delivery_id = '${waits}'`,
  );
  await pool.query(
    "update open_deliveries set attempts = 1 where delivery_id = (select delivery_id from open_deliveries order by delivery_id desc limit 1)",
  );
  const [[age = 0] = [], [count] = []] = await read();
  expect(age).toBeGreaterThanOrEqual(3_600);
  expect(count).toBe(2);

  for (const statement of ["select body from deliveries", "table events", "delete from open_deliveries"])
    await expect(queryAs(scalerUrl, statement)).rejects.toThrow("permission denied");
});
