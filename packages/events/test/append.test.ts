import { describe, expect, test } from "vitest";
import { fold, parseTicks, toPerson, type JsonObject } from "../src/index.ts";
import { delivery, ENTITY } from "./arbitraries.ts";
import { InMemoryLog } from "./in-memory-log.ts";

const PENDING = "NaturalPersonPending";
const UPLOADED = "NaturalPersonUploadedID";
const passport = { documentType: "passport", sessionId: "s1" };

let deliveries = 0;
function deliveryOf(event: string, at: string, data: JsonObject = {}, id = "254") {
  const ticks = parseTicks(at);
  if (ticks === undefined) throw new Error(`${at} is not a time`);
  return delivery({ event, id, data: { entityId: ENTITY, ...data } }, ticks, `d${++deliveries}`);
}

function append(...all: ReturnType<typeof deliveryOf>[]) {
  const log = all.reduce((log, one) => log.append([one]), new InMemoryLog(ENTITY));
  return {
    outcomes: all.map(({ deliveryId }) => log.outcomes.get(deliveryId)?.kind),
    person: log.folded && toPerson(log.folded.state),
    log,
  };
}

describe("identity", () => {
  test.each(["2022-02-01T10:00:01Z", "2022-02-02T10:00:00Z", "2023-02-01T10:00:00Z"])(
    "a duplicate of an event of 10:00:00, sent again at %s, has no effect",
    (later) => {
      const first = deliveryOf(PENDING, "2022-02-01T10:00:00Z", { entity: "Jane Doe" });
      const { outcomes, person } = append(first, deliveryOf(PENDING, later, { entity: "Jane Doe" }));
      expect(outcomes).toEqual(["applied", "duplicate"]);
      expect(person).toEqual(append(first).person);
    },
  );

  test("one id in two types, or two ids in one type, are two events", () => {
    const at = "2022-02-01T10:00:00Z";
    const { outcomes, person } = append(
      deliveryOf("NaturalPersonManuallyApproved", at, {}, "253"),
      deliveryOf("NaturalPersonAutoApproved", at, {}, "253"),
      deliveryOf("NaturalPersonAutoApproved", at, {}, "0253"),
    );
    expect(outcomes).toEqual(["applied", "applied", "applied"]);
    expect(person?.version).toBe(3);
  });

  test("other data under a known identity is a conflict, within one batch and across two", () => {
    const first = deliveryOf(PENDING, "2022-02-01T10:00:00Z", { entity: "Jane Doe" });
    const second = deliveryOf(PENDING, "2022-02-01T10:00:00Z", { entity: "Jane Roe" });
    for (const batches of [[[first, second]], [[first], [second]]]) {
      const log = new InMemoryLog(ENTITY);
      for (const batch of batches) log.append(batch);
      expect([...log.outcomes.values()]).toMatchObject([
        { kind: "applied" },
        { kind: "dead-lettered", deadLetter: { reason: "conflicting-duplicate" } },
      ]);
      expect(log.folded?.state.name).toBe("Jane Doe");
      expect(log.entries.map(({ deliveryId }) => deliveryId)).toEqual([first.deliveryId]);
    }
  });

  test("PascalCase names, or names in another order, are the same data", () => {
    const at = "2022-02-01T10:00:00Z";
    const { outcomes } = append(
      deliveryOf(PENDING, at, { entity: "Jane Doe", email: "jane@doe.example" }),
      deliveryOf(PENDING, at, { email: "jane@doe.example", entity: "Jane Doe" }),
      delivery(
        {
          event: PENDING,
          id: "254",
          data: { EntityId: ENTITY, Email: "jane@doe.example", Entity: "Jane Doe" },
        },
        0n,
        "pascal",
      ),
    );
    expect(outcomes).toEqual(["applied", "duplicate", "duplicate"]);
  });
});

describe("the earliest time counts", () => {
  const early = deliveryOf(UPLOADED, "2022-02-01T10:00:00Z", passport);
  const late = deliveryOf(UPLOADED, "2022-02-01T10:31:00Z", passport);
  const between = deliveryOf(PENDING, "2022-02-01T10:15:00Z");

  test.each([
    ["first", [early, late, between]],
    ["last", [late, between, early]],
    ["in between", [late, early, between]],
  ])("if its delivery arrives %s", (_, all) => {
    const { person } = append(...all);
    expect(person?.identityDocuments[0]?.uploadedAt).toBe("2022-02-01T10:00:00.0000000Z");
    expect(person?.firstEventAt).toBe("2022-02-01T10:00:00.0000000Z");
    expect(person?.lastEventAt).toBe("2022-02-01T10:15:00.0000000Z");
  });

  test("while each entry of the log keeps its delivery's own time", () => {
    const { log } = append(late, early);
    expect(log.entries).toMatchObject([
      {
        kind: "event",
        seq: 1,
        ticks: late.event.ticks,
        dataJson: late.event.dataJson,
        changesState: true,
      },
      { kind: "redelivery", seq: 2, ticks: early.event.ticks, dataJson: null, changesState: true },
    ]);
    expect(append(early, late).log.entries[1]).toMatchObject({ kind: "redelivery", changesState: false });
  });
});

test("only an event before the last folded one leads to a refold", () => {
  const at = (second: number) => `2022-02-01T10:00:0${second}Z`;
  const { log } = append(
    deliveryOf(PENDING, at(1)),
    deliveryOf(UPLOADED, at(2), passport),
    deliveryOf(UPLOADED, at(2), passport, "255"),
  );
  expect(log.refolds).toBe(0);
  expect(log.append([deliveryOf(PENDING, at(2), {}, "out of order by its type")]).refolds).toBe(1);
  expect(log.append([deliveryOf(PENDING, at(0))]).refolds).toBe(2);
});

test("an empty batch changes nothing", () => {
  const { log } = append(deliveryOf(PENDING, "2022-02-01T10:00:00Z"));
  const before = log.folded;
  expect(log.append([]).folded).toBe(before);
  expect(new InMemoryLog(ENTITY).append([]).folded).toBeUndefined();
});

test("10,000 events of one person, half of them in reverse, give the state that they give in order", () => {
  const start = deliveryOf(PENDING, "2022-02-01T10:00:00Z").event.ticks;
  const inOrder = Array.from({ length: 10_000 }, (_, n) => {
    const data = { entityId: ENTITY, documentType: "passport", sessionId: `s${n % 7}` };
    return delivery({ event: UPLOADED, id: String(n), data }, start + BigInt(n), `n${n}`);
  });
  const mixed = [
    ...inOrder.filter((_, n) => n % 2 === 0),
    ...inOrder.filter((_, n) => n % 2 === 1).reverse(),
  ];
  const log = new InMemoryLog(ENTITY).append(mixed.slice(0, 5000)).append(mixed.slice(5000));
  const events = inOrder.map(({ event }) => event);
  expect(log.refolds).toBe(1);
  expect(log.folded?.state).toEqual(fold(ENTITY, events)?.state);
  expect(log.folded?.state).toMatchObject({ version: 10_000, lastEventAt: "2022-02-01T10:00:00.0009999Z" });
});
