import { CHAIN_START, MAX_DEPTH, MAX_ID_LENGTH, type HashedEntry } from "@dossier/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { transaction } from "../../src/database/transaction.ts";
import { settle, type Pool } from "../../src/index.ts";
import { appendToLog } from "../../src/log/append.ts";
import { idsOf, settleBody, useRecord } from "../database.ts";

const database = useRecord();

const MINUTES = 5 * 60_000;

let persons = 0;
const nextPerson = () => `person-${String(persons++).padStart(9, "0")}`;

/** Makes a body whose `data` has the person's id and `members`, which is JSON text. */
function body({
  event = "Invented",
  id = "1",
  entityId = nextPerson(),
  at = "2026-01-01T00:00:00Z",
  members = "",
} = {}): string {
  const data = `{"entityId":${JSON.stringify(entityId)}${members === "" ? "" : `,${members}`}}`;
  return `{"event":${JSON.stringify(event)},"id":${JSON.stringify(id)},"creationTimeUtc":"${at}","data":${data}}`;
}

async function deadLetterOf(pool: Pool, text: string): Promise<unknown> {
  const [id] = await database.record(text);
  await settle(pool, [id ?? ""], "test");
  return (await database.rows("select reason, message from dead_letters where delivery_id = $1", [id]))[0];
}

test.for(["event", "id", "entityId"] as const)(
  "an %s that no column can hold is an invalid event",
  async (field) => {
    for (const impossible of ["\0", "a\0b", "\ud800", "\udc00\ud800"]) {
      expect(await deadLetterOf(database.pool, body({ [field]: impossible }))).toMatchObject({
        reason: "invalid-event",
      });
    }
  },
);

test("ids of the greatest length, in the characters with most bytes, fit every index", async () => {
  const { pool } = database;
  // Random, since Postgres compresses repetitions.
  const long = (from: number, to: number, units: number) => () =>
    Array.from({ length: MAX_ID_LENGTH / units }, () =>
      String.fromCodePoint(from + Math.floor(Math.random() * (to - from))),
    ).join("");
  for (const id of [long(0x4e00, 0x9fff, 1), long(0x10000, 0x1ffff, 2)]) {
    const identity = { event: id(), id: id(), entityId: id() };
    expect(await settleBody(database, body(identity))).toBe("applied");
    expect(await settleBody(database, body(identity))).toBe("duplicate");
    expect(
      await database.rows("select event, id, entity_id from events where entity_id = $1", [
        identity.entityId,
      ]),
    ).toEqual([{ event: identity.event, id: identity.id, entity_id: identity.entityId }]);
  }
  expect(await deadLetterOf(pool, body({ entityId: "x".repeat(MAX_ID_LENGTH + 1) }))).toMatchObject({
    reason: "invalid-event",
  });
});

test.for([
  ["NUL in a value and in a name", '"a\\u0000b":"\\u0000"'],
  ["half surrogate pairs", '"\\ud800":"\\udc00x\\ud800"'],
  [
    "more digits than a double has",
    '"n":[12345678901234567890.123456789012345678901234567890,1e400,-1e-400,-0]',
  ],
  [
    "names that JavaScript's objects inherit",
    '"__proto__":{"entityId":"other"},"constructor":1,"toString":null,"hasOwnProperty":0',
  ],
  ["names twice", '"a":1,"a":2'],
  ["numbers as names", '"2":1,"1":2,"01":3'],
  ["the deepest nesting", `"deep":${"[".repeat(MAX_DEPTH - 2)}${"]".repeat(MAX_DEPTH - 2)}`],
  ["a long text", `"long":"${"é\\n".repeat(100_000)}"`],
] as const)("%s: applied, then a duplicate, and refolded", async ([, members]) => {
  const entityId = nextPerson();
  const text = body({ entityId, members });
  expect(await settleBody(database, text)).toBe("applied");
  expect(await settleBody(database, text)).toBe("duplicate");
  expect(await settleBody(database, body({ entityId, id: "0", at: "2025-01-01T00:00:00Z", members }))).toBe(
    "applied",
  );
  expect(
    await database.rows("select state->>'version' as version from natural_persons where entity_id = $1", [
      entityId,
    ]),
  ).toEqual([{ version: "2" }]);
});

test("numbers that differ in a digit that a double loses are different data", async () => {
  const entityId = nextPerson();
  expect(await settleBody(database, body({ entityId, members: '"n":10000000000000000000000.1' }))).toBe(
    "applied",
  );
  expect(await settleBody(database, body({ entityId, members: '"n":10000000000000000000000.2' }))).toBe(
    "conflicting-duplicate",
  );
});

test.for([
  ["nesting 10,000 deep", `"deep":${"[".repeat(10_000)}${"]".repeat(10_000)}`],
  ["an object 10,000 deep", `"deep":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
] as const)("%s is a dead letter whose message says so", async ([, members]) => {
  expect(await deadLetterOf(database.pool, body({ members }))).toMatchObject({
    reason: "unparsable",
    message: `the body is nested deeper than ${MAX_DEPTH} levels`,
  });
});

test("deliveries that become dead letters do not hinder the others of their batch", async () => {
  const { pool } = database;
  const bad = [
    Buffer.from([0xff]),
    "",
    "[]",
    "null",
    "{}",
    body({ id: "\0" }),
    body({ members: `"a":${"[".repeat(200)}${"]".repeat(200)}` }),
  ];
  const good = Array.from({ length: bad.length }, () => body({ members: '"\\u0000":"\\ud800"' }));
  const ids = await database.record(...bad.flatMap((one, i) => [one, good[i] ?? ""]));
  const settled = await settle(pool, ids, "test");
  expect(idsOf(settled, "applied")).toHaveLength(good.length);
  expect(idsOf(settled, "dead-lettered")).toHaveLength(bad.length);
});

const text = fc.string({ unit: "binary", maxLength: 8 });
const rough = fc.oneof(text, fc.constantFrom("\0", "\ud800", "\udfff", "__proto__", "\u2028", "\\", '"'));
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.tuple(fc.bigInt(), fc.nat()).map(([whole, rest]) => `${whole}.${rest}`),
  fc
    .tuple(fc.bigInt(), fc.integer({ min: -999, max: 999 }))
    .map(([whole, exponent]) => `${whole}e${exponent}`),
);
const scalar = fc.oneof(
  rough.map((value) => JSON.stringify(value)),
  number,
  fc.constantFrom("null", "true"),
);
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }).map((items) => `[${items.join()}]`),
);
const member = (name: string, of: fc.Arbitrary<string>) => of.map((written) => `"${name}":${written}`);
const nonEmpty = fc.oneof(
  rough.filter((key) => key !== "").map((key) => JSON.stringify(key)),
  number,
);
const optional = (of: fc.Arbitrary<string>) => fc.option(of, { nil: "" });
const members = fc
  .tuple(
    member("sessionId", nonEmpty),
    member("documentType", nonEmpty),
    member("supportingDocumentId", nonEmpty),
    optional(
      member(
        "entity",
        rough.map((name) => JSON.stringify(name)),
      ),
    ),
    optional(
      member(
        "email",
        rough.map((name) => JSON.stringify(name)),
      ),
    ),
    optional(
      member(
        "description",
        rough.map((name) => JSON.stringify(name)),
      ),
    ),
    fc
      .array(
        fc
          .tuple(rough, value)
          .map(([name, written]) => `${JSON.stringify(name)}:${written}`)
          .filter((one) => !/^"(entityId|EntityId)"/.test(one)),
        { maxLength: 3 },
      )
      .map((some) => some.join()),
  )
  .map((some) => some.filter((one) => one !== "").join());
const MOST_EVENTS = 5;
const history = fc.array(
  fc.tuple(
    fc.constantFrom(
      "NaturalPersonPending",
      "NaturalPersonUploadedID",
      "NaturalPersonUploadedSupportingDocument",
      "NaturalPersonManuallyApproved",
      "Invented",
    ),
    members,
  ),
  { minLength: 2, maxLength: MOST_EVENTS },
);

test(
  "refolding any payloads gives the same bytes as folding them in order",
  { timeout: MINUTES },
  async () => {
    const { pool } = database;
    const settleBatches = async (batches: readonly string[][]) => {
      for (const bodies of batches) {
        const settled = await settle(pool, await database.record(...bodies), "test");
        expect(idsOf(settled, "dead-lettered")).toEqual([]);
      }
    };
    const rowsOf = async (entityIds: readonly string[]) => {
      const found = await database.rows<{ entity_id: string; row: string }>(
        `select entity_id, natural_persons::text as row from natural_persons
         where entity_id = any ($1) order by entity_id`,
        [entityIds],
      );
      return found.map(({ entity_id, row }) => row.replaceAll(entity_id, "person"));
    };
    await fc.assert(
      fc.asyncProperty(fc.array(history, { minLength: 8, maxLength: 8 }), async (histories) => {
        // The first event of all persons, then the second of all.
        const batchesOf = (entityIds: readonly string[]) =>
          Array.from({ length: MOST_EVENTS }, (_, n) =>
            histories.flatMap((events, person) => {
              const [event, members] = events[n] ?? [];
              const at = `2026-01-0${n + 1}T00:00:00Z`;
              return event === undefined
                ? []
                : [
                    body({
                      event,
                      id: String(n),
                      entityId: entityIds[person] ?? "",
                      at,
                      members: members ?? "",
                    }),
                  ];
            }),
          );
        const [inOrder, refolded] = [histories.map(nextPerson), histories.map(nextPerson)];
        await settleBatches(batchesOf(inOrder));
        await settleBatches(batchesOf(refolded).toReversed());
        expect(await rowsOf(refolded)).toEqual(await rowsOf(inOrder));
      }),
      { numRuns: 40 },
    );
  },
);

test("Postgres refuses an event without data", async () => {
  const entityId = nextPerson();
  const entry: HashedEntry = {
    kind: "event",
    entityId,
    seq: 1,
    event: "Invented",
    id: "1",
    ticks: 0n,
    dataJson: null,
    dataDigest: CHAIN_START,
    deliveryId: crypto.randomUUID(),
    receivedTicks: 0n,
    deliveryDigest: CHAIN_START,
    hash: CHAIN_START,
    changesState: true,
  };
  const appended = { entityId, outcomes: new Map(), entries: [entry], folded: undefined };
  await expect(
    transaction(database.pool, (connection) => appendToLog(connection, 1n, [appended])),
  ).rejects.toThrow('null value in column "data"');
});
