import { formatTicks, parseTicks } from "@dossier/events";
import { scenario } from "@dossier/simulator";
import { expect, test } from "vitest";
import { findPerson, listEvents, readTimeline } from "../../src/index.ts";
import { recordOneByOne, useRecord } from "../database.ts";
import { eventBody } from "../fixtures.ts";

const record = useRecord({ size: 2, start: "empty" });
const at = (day: number) => `2026-01-0${day}T00:00:00.0000000Z`;
const ticks = (text: string) => parseTicks(text)!;

const upload = (day: number, id: string) =>
  eventBody("e", {
    id,
    creationTimeUtc: at(day),
    event: "NaturalPersonUploadedID",
    data: { sessionId: id, documentType: "Passport" },
  });

test("a timeline has each event with its deliveries, what it changed, and whether it came out of order", async () => {
  const pending = eventBody("e", {
    id: "1",
    creationTimeUtc: at(3),
    data: { entity: "Ada", email: "a@b.example" },
  });
  const [first = "", late = "", , again = ""] = await record.recordAndSettle(
    pending,
    upload(2, "2"),
    eventBody("e", { id: "3", creationTimeUtc: at(4), event: "SomethingNew" }),
    pending,
  );
  const { person, entries, earlier, later } = (await readTimeline(record.pool, "e", {}, 9))!;
  expect(person).toEqual(await findPerson(record.pool, "e"));
  expect([earlier, later]).toEqual([0, 0]);
  expect(entries).toMatchObject([
    { id: "2", happenedAt: at(2), outOfOrder: true, deliveries: [{ deliveryId: late }], when: "counts" },
    {
      id: "1",
      outOfOrder: false,
      deliveries: [{ deliveryId: first }, { deliveryId: again }],
      knownType: true,
    },
    { id: "3", event: "SomethingNew", outOfOrder: false, knownType: false },
  ]);
  expect(entries[1]?.changes).toEqual([
    { path: "name", before: "John Doe", after: "Ada" },
    { path: "email", before: "john.doe@mail.com", after: "a@b.example" },
    { path: "personalInfoSubmittedAt", before: null, after: at(3) },
  ]);
  expect(entries[2]?.changes).toEqual([{ path: "unrecognisedEvents", before: 0, after: 1 }]);
});

test("a timeline at a point in time shows the state of then, and which events did not count yet", async () => {
  const [, second = ""] = await recordOneByOne(record, [upload(3, "1"), upload(1, "2"), upload(4, "3")]);
  for (const { delivery_id: id } of await record.rows<{ delivery_id: string }>(
    "select delivery_id from deliveries",
  ))
    await record.settle([id]);
  const { events } = await listEvents(record.pool, "e", {}, { limit: 9 });
  const secondAt = events.find(({ deliveryId }) => deliveryId === second)!.receivedAt;
  for (const [asOf, knownAt, when] of [
    [3, undefined, ["counts", "counts", "happened-later"]],
    [undefined, ticks(secondAt) - 1n, ["not-known-yet", "counts", "not-known-yet"]],
    [2, ticks(secondAt), ["counts", "happened-later", "not-known-yet"]],
    [2, 0n, ["not-known-yet", "not-known-yet", "not-known-yet"]],
  ] as const) {
    const time = { asOf: asOf && ticks(at(asOf)), knownAt };
    const timeline = (await readTimeline(record.pool, "e", time, 9))!;
    expect(timeline.entries.map((entry) => entry.when)).toEqual(when);
    expect(timeline.person).toEqual(await findPerson(record.pool, "e", time));
  }
});

test("a timeline is limited to the events before the point in time, and some after it", async () => {
  const bodies = Array.from({ length: 60 }, (_, n) =>
    eventBody("e", { id: String(n), creationTimeUtc: formatTicks(ticks(at(1)) + BigInt(n)) }),
  );
  await record.recordAndSettle(...bodies);
  const read = async (asOf?: bigint) => {
    const { entries, earlier, later } = (await readTimeline(record.pool, "e", { asOf }, 30))!;
    return [earlier, entries.length, later, entries[0]?.id];
  };
  expect(await read()).toEqual([30, 30, 0, "30"]);
  expect(await read(ticks(at(1)) + 29n)).toEqual([20, 30, 10, "20"]);
  expect(await read(ticks(at(1)))).toEqual([0, 21, 39, "0"]);
  expect(await readTimeline(record.pool, "nobody", {}, 9)).toBeUndefined();
  expect(await readTimeline(record.pool, "\0", {}, 9)).toBeUndefined();
});

test("a timeline of large changes has fewer entries, the last ones", async () => {
  const name = (n: number) => String(n).padEnd(300_000, "x");
  const bodies = Array.from({ length: 6 }, (_, n) =>
    eventBody("large", { id: String(n), creationTimeUtc: at(n + 1), data: { entity: name(n) } }),
  );
  await record.recordAndSettle(...bodies);
  const { entries, earlier, later } = (await readTimeline(record.pool, "large", {}, 30))!;
  expect([earlier, entries.map(({ id }) => id), later]).toEqual([5, ["5"], 0]);
  const first = (await readTimeline(record.pool, "large", { asOf: ticks(at(1)) }, 1))!;
  expect([first.earlier, first.entries.length, first.later]).toEqual([0, 1, 5]);
});

test("the states of a timeline are those that the API answers, at each event of a simulated person", async () => {
  const { webhooks } = scenario({ persons: 3, seed: 5, duplicates: 0.3, shuffle: 0.4 });
  await record.recordAndSettle(...[...webhooks].map(({ body }) => body));
  const ids = await record.rows<{ entity_id: string }>("select entity_id from natural_persons");
  for (const { entity_id: id } of ids) {
    for (const { happenedAt, receivedAt } of (await readTimeline(record.pool, id, {}, 99))!.entries) {
      const time = { asOf: ticks(happenedAt), knownAt: ticks(receivedAt) };
      const then = await readTimeline(record.pool, id, time, 99);
      expect(then?.person).toEqual(await findPerson(record.pool, id, time));
      expect(then?.entries.filter(({ when }) => when === "counts")).toHaveLength(then?.person?.version ?? 0);
    }
  }
});
