/** The login of deploy/kubernetes' scaler, and the queries that it runs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { queryAs } from "../database.ts";
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
  const [waits, failed] = await record("one", "another", "a third");
  const openSince = (hours: number, id: string | undefined, failed = 0) =>
    pool.query(
      `update open_deliveries set opened_at = now() - make_interval(hours => $1), attempts = $3 where delivery_id = $2`,
      [hours, id, failed],
    );
  await openSince(1, waits);
  await openSince(2, failed, 1);
  const [[age = 0] = [], [count] = []] = await read();
  expect(age).toBeGreaterThanOrEqual(3_600);
  expect(age).toBeLessThan(7_200);
  expect(count).toBe(2);

  for (const statement of ["table deliveries", "table events", "delete from open_deliveries"])
    await expect(queryAs(scalerUrl, statement)).rejects.toThrow("permission denied");
});
