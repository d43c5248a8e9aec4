import { expect, test } from "vitest";
import {
  abortBulkAction,
  confirmBulkAction,
  createBulkAction,
  findBulkAction,
  openPool,
  removeOldSets,
} from "../../src/index.ts";
import { queryAs, tamper, useRecord } from "../database.ts";
import { createLogin, UNPARSABLE_BODY } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

/** Makes a bulk action about all dead letters, so many days ago. */
async function create(daysAgo: number): Promise<number> {
  const action = { action: "discard", filter: {}, reason: "junk", createdBy: "Ada" } as const;
  const bulkActionId = await createBulkAction(database.pool, action);
  await age(bulkActionId, "created_at", daysAgo);
  return bulkActionId;
}

const age = (bulkActionId: number, column: string, daysAgo: number) =>
  tamper(
    database.pool,
    `update bulk_actions set ${column} = now() - interval '${daysAgo} days' where bulk_action_id = ${bulkActionId}`,
  );

/** Returns how many dead letters the set of each bulk action has. */
const sets = () =>
  database.rows(
    "select bulk_action_id as id, count(*)::int as size from bulk_action_deliveries group by 1 order by 1",
  );

test("a worker removes the sets of bulk actions 90 days after their end, and no other", async (context) => {
  await database.recordAndSettle(UNPARSABLE_BODY, UNPARSABLE_BODY);
  const [unconfirmed, ended, running, recent] = [
    await create(91),
    await create(200),
    await create(1),
    await create(200),
  ];
  for (const id of [ended, recent]) await abortBulkAction(database.pool, id, "Bea");
  await age(ended, "ended_at", 91);
  await age(recent, "ended_at", 89);
  await confirmBulkAction(database.pool, running, "Bea");
  await age(running, "created_at", 200);
  const pool = openPool(await createLogin(database.url, "worker"), { name: "test", size: 1 });
  context.onTestFinished(() => pool.end());
  await removeOldSets(pool);
  expect(await sets()).toEqual([
    { id: running, size: 2 },
    { id: recent, size: 2 },
  ]);
  expect(await findBulkAction(database.pool, unconfirmed)).toMatchObject({ total: 2, createdBy: "Ada" });
});

test("the database lets no worker remove a set that is to be kept", async () => {
  await database.recordAndSettle(UNPARSABLE_BODY);
  await create(89);
  const worker = await createLogin(database.url, "worker");
  await expect(queryAs(worker, "delete from bulk_action_deliveries")).rejects.toThrow("kept for 90 days");
  expect(await sets()).toMatchObject([{ size: 1 }]);
});

test("a bulk action whose set is no longer kept is not confirmed", async () => {
  const bulkActionId = await create(91);
  await confirmBulkAction(database.pool, bulkActionId, "Bea");
  expect((await findBulkAction(database.pool, bulkActionId))?.state).toBe("previewed");
});
