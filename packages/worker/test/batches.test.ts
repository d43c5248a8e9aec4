import { expect, test } from "vitest";
import {
  due,
  event,
  eventually,
  notDue,
  openWorkshop,
  ownJob,
  poisonPerson,
  settled,
  sharedServers,
  standing,
} from "./workshop.ts";

test("a delivery that Postgres cancels each time is put off without an attempt, until a time of its own, and others go on", async (context) => {
  const { pool, queue, record, deliver, hire } = openWorkshop(context, await sharedServers(context));
  const poison = await poisonPerson(pool, "query_canceled");
  const worker = await hire({ MAX_ATTEMPTS: 1 });

  const batch = await record(event("a"), event("poison"), event("b"));
  await notDue(pool);
  await queue.enqueue(batch);
  await settled(pool, batch, ["applied", "open", "applied"]);
  await settled(pool, await deliver(event("c")), "applied");
  await eventually(() => worker.said("put off")).toHaveLength(1);
  const lone = await record(event("poison"));
  await notDue(pool);
  await queue.enqueue(lone);
  await eventually(() => worker.said("put off")).toHaveLength(2);
  await eventually(async () => (await fetch(`http://127.0.0.1:${worker.port}/readyz`)).status).toBe(200);
  expect((await pool.query("select from failures")).rowCount).toBe(0);
  expect(worker.said("paused")).toEqual([]);
  const { rows } = await pool.query(
    "select due_at <= now() + interval '1 hour' as postponed from open_deliveries where delivery_id = any ($1)",
    [lone],
  );
  expect(rows).toEqual([{ postponed: true }]);

  await poison.mend();
  await due(pool);
  await settled(pool, [...batch, ...lone], "applied");
});

test("a server that answers but ends no write is waited for, says the worker, and at most one delivery is put off", async (context) => {
  const { pool, queue, record, hire } = openWorkshop(context, await sharedServers(context));
  const batch = await record(event("a"), event("b"), event("c"));
  await notDue(pool);
  await pool.query(`
    create function cancel() returns trigger language plpgsql as $$
    begin raise query_canceled; end $$`);
  await pool.query(
    "create trigger cancelled before update or delete on open_deliveries for each row execute function cancel()",
  );
  const worker = await hire({ MAX_ATTEMPTS: 1 });
  await queue.enqueue(batch);
  await eventually(() => worker.said("paused")).toHaveLength(1);
  await eventually(async () => (await fetch(`http://127.0.0.1:${worker.port}/readyz`)).status).toBe(503);
  expect(worker.said("put off")).toEqual([]);

  await pool.query("drop trigger cancelled on open_deliveries");
  await eventually(() => worker.said("resumed")).toHaveLength(1);
  await eventually(() => queue.counts()).toMatchObject({ active: 0, completed: 1 });
  expect(worker.said("put off").length).toBeLessThanOrEqual(1);
  expect((await pool.query("select from failures")).rowCount).toBe(0);
  await due(pool);
  await settled(pool, batch, "applied");
});

test("deliveries that need a page which cannot be read are put off together, die of nothing, and others go on", async (context) => {
  const { pool, deliver, hire } = openWorkshop(context, await sharedServers(context));
  const poison = await poisonPerson(pool, "data_corrupted");
  const worker = await hire({ MAX_ATTEMPTS: 1 });

  const batch = await deliver(event("poison"), event("a"), event("poison"));
  await eventually(() => worker.said("put off")).toHaveLength(2);
  expect(await standing(pool, batch)).toEqual(["open", "applied", "open"]);
  expect((await pool.query("select from failures")).rowCount).toBe(0);

  await poison.mend();
  await due(pool);
  await settled(pool, batch, "applied");
});

test("a delivery that another worker settled while its last attempt failed is not called dead", async (context) => {
  const { pool, queue, deliver, hire } = openWorkshop(context, await sharedServers(context));
  await poisonPerson(pool);
  await pool.query(`
    create function settle_meanwhile() returns trigger language plpgsql as $$
    begin
      delete from open_deliveries where delivery_id = new.delivery_id;
      insert into settlements (delivery_id, outcome) values (new.delivery_id, 'applied');
      return null;
    end $$`);
  await pool.query(
    "create trigger meanwhile after insert on failures for each row execute function settle_meanwhile()",
  );
  const worker = await hire({ MAX_ATTEMPTS: 1 });

  const [deliveryId] = await deliver(event("poison"));
  await settled(pool, [deliveryId!], "applied");
  await eventually(() => queue.counts()).toMatchObject({ waiting: 0, active: 0, completed: 1, failed: 0 });
  expect(worker.said("is dead")).toEqual([]);
  expect(await ownJob(queue, deliveryId!)).toBeUndefined();
});
