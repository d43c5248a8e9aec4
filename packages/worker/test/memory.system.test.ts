/** The memory of a worker as a process of its own, with large deliveries. */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { eventBody } from "@dossier/store/fixtures";
import { describe, expect, test, type TestContext } from "vitest";
import { createHarness, newEvent, sharedServers, spawnWorker } from "./harness.ts";

const MIB = 1024 * 1024;
const LARGE_DELIVERIES = 64;

type Harness = Awaited<ReturnType<typeof createHarness>>;

/** Starts a worker with a small heap. `growth` is what its memory has grown by at its peak, in bytes. */
async function startWorker(context: TestContext) {
  const servers = await sharedServers(context);
  const harness = await createHarness(context, servers);
  const { pid } = spawnWorker(context, servers, { execArgv: ["--max-old-space-size=256"] });
  const peak = async () =>
    Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
  await harness.waitForStatuses(await harness.deliver(newEvent("first")), "applied");
  const atStart = await peak();
  return { harness, growth: async () => (await peak()) - atStart };
}

/** Records deliveries of almost 1 MiB each, which Postgres makes, as that is quick. Returns their ids. */
async function recordLarge({ pool }: Harness, entityId: () => string): Promise<string[]> {
  const bodies = Array.from({ length: LARGE_DELIVERIES }, () =>
    eventBody(entityId(), { event: "Unknown", id: randomUUID(), data: { entity: "FILL" } }).toString(),
  );
  const { rows } = await pool.query<{ delivery_id: string }>(
    `with arrived as (
       insert into deliveries (delivery_id, body, headers, verified_by, secret_fingerprint, digest)
       select gen_random_uuid(), convert_to(replace(body, 'FILL', repeat('x', 860000)), 'UTF8'), '{}', 'signature', '', ''
       from unnest($1::text[]) as body
       returning delivery_id, body
     )
     insert into open_deliveries (delivery_id, due_at, bytes)
     select delivery_id, now() + interval '1 day', octet_length(body) from arrived
     returning delivery_id`,
    [bodies],
  );
  return rows.map(({ delivery_id }) => delivery_id);
}

describe("the memory of a worker", { skip: process.platform !== "linux" }, () => {
  test("grows little by many large deliveries that the sweeper enqueues", async (context) => {
    const { harness, growth } = await startWorker(context);
    const deliveryIds = await recordLarge(harness, randomUUID);
    await harness.makeDue();
    await harness.waitForStatuses(deliveryIds, "applied");
    expect(await growth()).toBeLessThan(256 * MIB);
  });

  test("grows little by a job of many large deliveries, and by the refold of their stream", async (context) => {
    const { harness, growth } = await startWorker(context);
    const deliveryIds = await recordLarge(harness, () => "long");
    await harness.queue.enqueue(deliveryIds);
    await harness.waitForStatuses(deliveryIds, "applied");
    const early = eventBody("long", { id: "early", creationTimeUtc: "2001-01-01T00:00:00Z" });
    await harness.waitForStatuses(await harness.deliver(early), "applied");
    expect(await growth()).toBeLessThan(256 * MIB);
  });
});
