import type { Outcome } from "@dossier/events";
import { expect, test } from "vitest";
import { findDelivery, settle } from "../../src/index.ts";
import { useRecord } from "../database.ts";
import { eventBody } from "../fixtures.ts";

const database = useRecord();

const first = { entity: "Ada", email: "ada@mail.example", onlyFirst: 1, nested: { a: [1, 2] } };
const other = { entity: "Ada", email: "eve@mail.example", onlyOther: 1, nested: { a: [1, 3] } };
const ISSUES = [
  { path: "data.email", message: "differs from the first delivery" },
  { path: "data.nested.a.1", message: "differs from the first delivery" },
  { path: "data.onlyFirst", message: "is only in the first delivery" },
  { path: "data.onlyOther", message: "is not in the first delivery" },
];

function deadLetterOf(outcome: Outcome | undefined) {
  if (outcome?.kind !== "dead-lettered") throw new Error(`it is ${outcome?.kind}`);
  const { message, issues } = outcome.deadLetter;
  return { message, issues: issues.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

test.each(["in the log", "in the same batch"])(
  "a conflicting duplicate names the first delivery, which is %s, and the differing paths",
  async (where) => {
    const { pool } = database;
    const [a = "", redelivery = "", b = ""] = await database.record(
      eventBody(where, { data: first }),
      eventBody(where, { data: first }),
      eventBody(where, { data: other }),
    );
    if (where === "in the log") await settle(pool, [a, redelivery], "test");
    const outcomes = await settle(pool, [a, redelivery, b], "test");
    expect(deadLetterOf(outcomes.get(b))).toEqual({
      message: `this event was received before with other data, as delivery ${a}; the first stands`,
      issues: ISSUES,
    });
    const { deadLetters = [] } = (await findDelivery(pool, b)) ?? {};
    expect(deadLetters[0]?.issues).toHaveLength(4);
    const kept = JSON.stringify(deadLetters);
    expect(kept).not.toMatch(/eve@|ada@|"Ada"/);
  },
);

test("a conflicting duplicate names the first 50 differing paths, and counts the others", async () => {
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`f${n}${"x".repeat(300)}`, n]));
  await database.recordAndSettle(eventBody("many"));
  const [id = ""] = await database.record(eventBody("many", { data: many }));
  const { issues } = deadLetterOf((await settle(database.pool, [id], "test")).get(id));
  expect(issues).toHaveLength(51);
  expect(issues[0]).toEqual({ path: "data", message: "differs at further paths" });
  expect(Math.max(...issues.map(({ path }) => path.length))).toBe(200);
});
