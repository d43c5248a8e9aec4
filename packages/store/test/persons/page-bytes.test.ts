import { parseTicks } from "@dossier/events";
import { expect, test } from "vitest";
import { findPerson, listEvents, listPersons } from "../../src/index.ts";
import { readEventsAt, selectLoggedDeliveries } from "../../src/persons/events.ts";
import { useRecord } from "../database.ts";
import { eventBody } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

const AT = "2026-01-01T00:00:00Z";
const LATER = parseTicks("2027-01-01T00:00:00Z");

/** Returns an event of 600,000 bytes; two of them fill a page. */
function large(entityId: string, id: string): Buffer {
  const data = { entity: "x".repeat(600_000) };
  return eventBody(entityId, { event: "NaturalPersonPending", id, creationTimeUtc: AT, data });
}

test.for([
  ["", {}],
  ["with a search ", { q: "XXX" }],
  ["as of a time ", { asOf: LATER }],
] as const)("a page of persons %sends when it has a MiB, and the next one continues", async ([, filter]) => {
  await database.recordAndSettle(...["a", "b", "c", "d", "e"].map((entityId) => large(entityId, "1")));
  const pages: string[][] = [];
  for (let after: string | undefined = ""; after !== undefined;) {
    const page = await listPersons(database.pool, filter, { limit: 10, after });
    if (page.persons.length > 0) pages.push(page.persons.map(({ entityId }) => entityId));
    after = page.next;
  }
  expect(pages).toEqual([["a", "b"], ["c", "d"], ["e"]]);
});

test("a page of events ends when it has a MiB, and the next one continues", async () => {
  await database.recordAndSettle(...["1", "2", "3"].map((id) => large("a", id)));
  const first = await listEvents(database.pool, "a", {}, { limit: 10 });
  expect(first.events.map(({ id }) => id)).toEqual(["1", "2"]);
  const second = await listEvents(database.pool, "a", {}, { limit: 10, after: first.next });
  expect(second.events.map(({ id }) => id)).toEqual(["3"]);
  expect(second.next).toBeUndefined();
});

test("a person as of a time is folded from a few MiB of events at once, in their order", async () => {
  const ids = Array.from({ length: 15 }, (_, n) => String(n + 10));
  await database.recordAndSettle(...ids.toReversed().map((id) => large("a", id)), large("b", "1"));
  const entityIds = ["a", "none", "b"];
  const deliveries = await selectLoggedDeliveries(database.pool, entityIds);
  const batches: string[][] = [];
  for await (const events of readEventsAt(database.pool, entityIds, deliveries, { asOf: LATER }))
    batches.push(events.map(({ entityId, id }) => `${entityId}${id}`));
  expect(batches.map((batch) => batch.length)).toEqual([7, 7, 2]);
  expect(batches.flat()).toEqual([...ids.map((id) => `a${id}`), "b1"]);
  expect(await findPerson(database.pool, "a", { asOf: LATER })).toMatchObject({
    version: 15,
    lastEventAt: expect.any(String),
  });
});
