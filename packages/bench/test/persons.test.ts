import { scenario } from "@dossier/simulator";
import { freshDatabase } from "@dossier/testing";
import pg from "pg";
import { expect, test } from "vitest";
import { applyWebhooks, parse, TABLES, type Person } from "../src/peers/persons.ts";

const STATUSES = [
  "pending",
  "id-upload-started",
  "id-uploaded",
  "documents-uploaded",
  "approved",
  "approved",
];

test("a peer's persons are right after redeliveries with other times, in any order", async () => {
  const database = await freshDatabase();
  const client = new pg.Client(database.url);
  await client.connect();
  await client.query(TABLES);
  const { webhooks, persons } = scenario({ persons: 30, seed: 7, duplicates: 0.4, shuffle: 1 });
  const payloads = Array.from(webhooks, ({ body }) => parse(body));
  for (let start = 0; start < payloads.length; start += 7)
    await applyWebhooks((text, values) => client.query(text, values), payloads.slice(start, start + 7));

  const { rows } = await client.query<{ id: string; state: Person }>(
    "select entity_id as id, state from persons",
  );
  await client.end();
  await database.drop();
  const shown = rows.map(({ id, state }) => {
    const { entity = null, email = null, step } = state;
    return [id, { name: entity, email, status: STATUSES[step] ?? "unknown" }];
  });
  const expected = Array.from(persons, ({ entityId, name, email, status }) => [
    entityId,
    { name, email, status },
  ]);
  expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(expected));
});
