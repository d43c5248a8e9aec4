import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { createHarness, sharedServers } from "./harness.ts";

test("a worker says at its start and in /readyz that a rebuild is needed, and is ready", async (context) => {
  const { pool, deliver, startWorker, waitForStatuses } = await createHarness(
    context,
    sharedServers(context),
  );
  const before = await startWorker();
  await waitForStatuses(await deliver(eventBody("a")), "applied");
  await before.waitForReadyz(200);
  expect(await checksOf(before)).toMatchObject({ rebuild: "ok" });

  await pool.query("update natural_persons set fold_version = 0");
  const after = await startWorker();
  expect(await after.waitForLog("rebuild-needed")).toMatchObject({ outdatedPersons: 1, unfoldedPersons: 0 });
  await after.waitForReadyz(200);
  expect(await checksOf(after)).toMatchObject({ rebuild: expect.stringContaining("dossier rebuild") });
  expect(before.logged("rebuild-needed")).toEqual([]);
});

test("a worker is not ready until each migration of its version has run", async (context) => {
  const { pool, startWorker } = await createHarness(context, sharedServers(context));
  const worker = await startWorker();
  await worker.waitForReadyz(200);
  await pool.query("delete from migrations where name like '0016%'");
  await worker.waitForReadyz(503);
  expect(await checksOf(worker)).toMatchObject({ postgres: expect.stringContaining("0016_worklist") });
});

async function checksOf({ get }: { get(path: string): Promise<Response> }): Promise<unknown> {
  return ((await (await get("/readyz")).json()) as { checks: unknown }).checks;
}
