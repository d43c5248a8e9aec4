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

async function checksOf({ get }: { get(path: string): Promise<Response> }): Promise<unknown> {
  return ((await (await get("/readyz")).json()) as { checks: unknown }).checks;
}
