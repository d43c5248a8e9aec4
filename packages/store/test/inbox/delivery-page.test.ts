import { parseTicks } from "@dossier/events";
import { expect, test } from "vitest";
import {
  countStall,
  discard,
  listDeliveries,
  recordDeliveries,
  type DeliveryFilter,
} from "../../src/index.ts";
import { useRecord } from "../database.ts";
import { delivery, eventBody, invalidBody, UNPARSABLE_BODY } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

/** Returns the ids of all pages, and how many deliveries each page has. */
async function list(filter: DeliveryFilter, limit = 50) {
  const pages = [];
  for (let after: string | undefined; ;) {
    const page = await listDeliveries(database.pool, filter, { limit, after });
    pages.push(page.deliveries.map(({ deliveryId }) => deliveryId));
    after = page.next;
    if (after === undefined) return { ids: pages.flat(), sizes: pages.map(({ length }) => length) };
  }
}

test("deliveries of every status are listed, the latest first, filtered and in pages", async () => {
  const { pool } = database;
  const [applied, duplicate, invalid, unparsable = ""] = await database.recordAndSettle(
    eventBody("a"),
    eventBody("a"),
    invalidBody("a"),
    UNPARSABLE_BODY,
  );
  await discard(pool, [unparsable], { decidedBy: "Ada", reason: "junk" });
  const odd = delivery(
    eventBody("b", { event: "Nat\\u0055ral", id: "2" }).toString().replace("\\\\u", "\\u"),
    {
      secretFingerprint: "sha256:1",
    },
  );
  await recordDeliveries(pool, [odd]);
  const [stalled = ""] = await database.record(eventBody("a", { id: "3" }));
  await countStall(pool, stalled);
  const all = [stalled, odd.deliveryId, unparsable, invalid, duplicate, applied];

  expect((await listDeliveries(pool, {}, { limit: 50 })).deliveries).toMatchObject([
    { deliveryId: stalled, status: "open", reason: null, event: null, entityId: null },
    { deliveryId: odd.deliveryId, status: "open", event: "NatUral", secretFingerprint: "sha256:1" },
    { deliveryId: unparsable, status: "discarded", reason: "unparsable", event: null, bytes: 15 },
    { deliveryId: invalid, status: "dead-lettered", reason: "invalid-event" },
    { deliveryId: duplicate, status: "duplicate", reason: null, event: "NaturalPersonPending", id: "1" },
    { deliveryId: applied, status: "applied", entityId: "a", verifiedBy: "signature" },
  ]);
  expect(await list({}, 4)).toEqual({ ids: all, sizes: [4, 2] });
  const now = parseTicks(new Date(Date.now() + 3_600_000).toISOString());
  for (const [filter, ids] of [
    [{ status: "open" }, [stalled, odd.deliveryId]],
    [{ status: "applied" }, [applied]],
    [{ status: "duplicate" }, [duplicate]],
    [{ status: "discarded" }, [unparsable]],
    [{ status: "dead-lettered" }, [invalid]],
    [{ entityId: "a" }, [stalled, duplicate, applied]],
    [{ entityId: "a", status: "open" }, [stalled]],
    [{ event: "NatUral" }, [odd.deliveryId]],
    [{ event: "NaturalPersonPending", status: "applied" }, [applied]],
    [{ secretFingerprint: "sha256:1" }, [odd.deliveryId]],
    [{ text: "not JSON" }, [unparsable]],
    [{ since: now }, []],
    [{ before: now }, all],
  ] as const)
    expect([filter, (await list(filter)).ids]).toEqual([filter, ids]);
});

test("a page ends when its bodies have a MiB, or when enough was searched, and the next one continues", async () => {
  const [first] = await database.record(eventBody("a", { event: "Rare" }));
  const large = `{"text":"${"x".repeat(1024 * 1024)}"}`;
  const ids = [];
  for (let n = 0; n < 3; n++) ids.push(...(await database.record(large)));
  expect(await list({ status: "open" })).toEqual({ ids: [...ids.toReversed(), first], sizes: [1, 1, 1, 1] });

  await database.pool.query(
    `insert into deliveries (delivery_id, body, headers, verified_by, secret_fingerprint, digest)
     select gen_random_uuid(), '{}', '{}', 'signature', 'sha256:0', '' from generate_series(1, 5100)`,
  );
  const rare = await list({ event: "Rare" });
  expect([rare.ids, rare.sizes]).toEqual([[first], [0, 1]]);
});
