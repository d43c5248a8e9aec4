import { describe, expect, test } from "vitest";
import { fold, parseTicks, toPerson, type JsonObject } from "../src/index.ts";
import { ENTITY, send } from "./histories.ts";
import { Log } from "./log.ts";

const PENDING = "NaturalPersonPending";
const UPLOADED = "NaturalPersonUploadedID";
const passport = { documentType: "passport", sessionId: "s1" };

let deliveries = 0;
function parsed(event: string, at: string, data: JsonObject = {}, id = "254") {
  const ticks = parseTicks(at);
  if (ticks === undefined) throw new Error(`${at} is no time`);
  return send({ event, id, data: { entityId: ENTITY, ...data } }, ticks, `d${++deliveries}`);
}

function taken(...sends: ReturnType<typeof parsed>[]) {
  const log = sends.reduce((log, one) => log.take([one]), new Log(ENTITY));
  return {
    outcomes: sends.map(({ deliveryId }) => log.outcomes.get(deliveryId)?.kind),
    person: log.folded && toPerson(log.folded.state),
    log,
  };
}

describe("identity", () => {
  test.each(["2022-02-01T10:00:01Z", "2022-02-02T10:00:00Z", "2023-02-01T10:00:00Z"])(
    "a duplicate of 10:00:00 sent again at %s has no effect",
    (later) => {
      const first = parsed(PENDING, "2022-02-01T10:00:00Z", { entity: "Jane Doe" });
      const { outcomes, person } = taken(first, parsed(PENDING, later, { entity: "Jane Doe" }));
      expect(outcomes).toEqual(["applied", "duplicate"]);
      expect(person).toEqual(taken(first).person);
    },
  );

  test("one id in two types, or two ids in one type, are two events", () => {
    const at = "2022-02-01T10:00:00Z";
    const { outcomes, person } = taken(
      parsed("NaturalPersonManuallyApproved", at, {}, "253"),
      parsed("NaturalPersonAutoApproved", at, {}, "253"),
      parsed("NaturalPersonAutoApproved", at, {}, "0253"),
    );
    expect(outcomes).toEqual(["applied", "applied", "applied"]);
    expect(person?.version).toBe(3);
  });

  test("other data under a known identity is a conflict, within one batch as across two", () => {
    const [first, second] = ["Jane Doe", "Jane Roe"].map((entity) =>
      parsed(PENDING, "2022-02-01T10:00:00Z", { entity }),
    ) as [ReturnType<typeof parsed>, ReturnType<typeof parsed>];
    for (const batches of [[[first, second]], [[first], [second]]]) {
      const log = new Log(ENTITY);
      for (const batch of batches) log.take(batch);
      expect([...log.outcomes.values()]).toMatchObject([
        { kind: "applied" },
        { kind: "dead-lettered", deadLetter: { reason: "conflicting-duplicate" } },
      ]);
      expect(log.folded?.state.name).toBe("Jane Doe");
      expect(log.entries.map(({ deliveryId }) => deliveryId)).toEqual([first.deliveryId]);
    }
  });

  test("PascalCase names and another order of names tell the same data", () => {
    const at = "2022-02-01T10:00:00Z";
    const { outcomes } = taken(
      parsed(PENDING, at, { entity: "Jane Doe", email: "jane@doe.example" }),
      parsed(PENDING, at, { email: "jane@doe.example", entity: "Jane Doe" }),
      send(
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
  const early = parsed(UPLOADED, "2022-02-01T10:00:00Z", passport);
  const late = parsed(UPLOADED, "2022-02-01T10:31:00Z", passport);
  const between = parsed(PENDING, "2022-02-01T10:15:00Z");

  test.each([
    ["first", [early, late, between]],
    ["last", [late, between, early]],
    ["in between", [late, early, between]],
  ])("also where its send arrives %s", (_, sends) => {
    const { person } = taken(...sends);
    expect(person?.identityDocuments[0]?.uploadedAt).toBe("2022-02-01T10:00:00.0000000Z");
    expect(person?.firstEventAt).toBe("2022-02-01T10:00:00.0000000Z");
    expect(person?.lastEventAt).toBe("2022-02-01T10:15:00.0000000Z");
  });

  test("and every send's own time stays in the log, under its own hash", () => {
    const { log } = taken(late, early);
    expect(log.entries).toMatchObject([
      { kind: "event", seq: 1, ticks: late.event.ticks, dataJson: late.event.dataJson, changesState: true },
      { kind: "redelivery", seq: 2, ticks: early.event.ticks, dataJson: null, changesState: true },
    ]);
    expect(taken(early, late).log.entries[1]).toMatchObject({ kind: "redelivery", changesState: false });
  });
});

test("only what comes before the last folded event is folded again", () => {
  const at = (second: number) => `2022-02-01T10:00:0${second}Z`;
  const inOrder = taken(
    parsed(PENDING, at(1)),
    parsed(UPLOADED, at(2), passport),
    parsed(UPLOADED, at(2), passport, "255"),
  );
  expect(inOrder.log.refolds).toBe(0);
  expect(inOrder.log.take([parsed(PENDING, at(2), {}, "late by its type")]).refolds).toBe(1);
  expect(inOrder.log.take([parsed(PENDING, at(0))]).refolds).toBe(2);
});

test("a batch without sends changes nothing", () => {
  const { log } = taken(parsed(PENDING, "2022-02-01T10:00:00Z"));
  const before = log.folded;
  expect(log.take([]).folded).toBe(before);
  expect(new Log(ENTITY).take([]).folded).toBeUndefined();
});

test("10,000 events of one person, half of them backwards, make the file that they make in order", () => {
  const start = parsed(PENDING, "2022-02-01T10:00:00Z").event.ticks;
  const sends = Array.from({ length: 10_000 }, (_, n) => {
    const data = { entityId: ENTITY, documentType: "passport", sessionId: `s${n % 7}` };
    return send({ event: UPLOADED, id: String(n), data }, start + BigInt(n), `n${n}`);
  });
  const mixed = [...sends.filter((_, n) => n % 2 === 0), ...sends.filter((_, n) => n % 2 === 1).reverse()];
  const log = new Log(ENTITY).take(mixed.slice(0, 5000)).take(mixed.slice(5000));
  const events = sends.map(({ event }) => event);
  expect(log.refolds).toBe(1);
  expect(log.folded?.state).toEqual(fold(ENTITY, events)?.state);
  expect(log.folded?.state).toMatchObject({ version: 10_000, lastEventAt: "2022-02-01T10:00:00.0009999Z" });
});
