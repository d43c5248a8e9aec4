import fc from "fast-check";
import { expect, test } from "vitest";
import { scenario, poison, sign, type ScenarioOptions, type Send } from "../src/index.ts";

const some: ScenarioOptions = { persons: 40, seed: 1, duplicates: 0.3, shuffle: 0.5 };

const anyOptions = fc.record({
  persons: fc.integer({ min: 1, max: 12 }),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  duplicates: fc.double({ min: 0, max: 1, noNaN: true }),
  shuffle: fc.double({ min: 0, max: 1, noNaN: true }),
});

function told({ body }: Send): Record<string, unknown> & { data: Record<string, unknown> } {
  const lowerCased = (fields: object): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value]),
    );
  const message = lowerCased(JSON.parse(body.toString()) as object);
  return { ...message, data: lowerCased(message["data"] as object) };
}

function timeOf(send: Send | undefined): string {
  if (send === undefined) return "";
  const [seconds = "", fraction = ""] = String(told(send)["creationTimeUtc"]).replace("Z", "").split(".");
  return `${seconds}.${fraction.padEnd(7, "0")}Z`;
}

function key({ identity: { event, id, entityId } }: Send): string {
  return JSON.stringify([event, id, entityId]);
}

function all(options: ScenarioOptions): Send[] {
  return [...scenario(options).sends];
}

function isObject(body: Buffer): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

test("the same options give the same bytes in the same order, however often they are iterated", () => {
  const first = scenario(some);
  expect([...first.sends]).toEqual([...first.sends]);
  expect([...first.sends]).toEqual(all(some));
  expect([...first.persons]).toEqual([...scenario(some).persons]);
});

test("another seed gives other persons", () => {
  const ids = (seed: number): string[] => [...scenario({ ...some, seed }).persons].map((p) => p.entityId);
  expect(new Set([...ids(1), ...ids(2), ...ids(3)]).size).toBe(3 * some.persons);
});

test("no two of 5,000 persons share an id", () => {
  const ids = new Set<string>();
  for (const { entityId } of scenario({ ...some, persons: 5000 }).persons) ids.add(entityId);
  expect(ids.size).toBe(5000);
});

test("neither duplicates nor shuffles change what is true, and more persons leave the others alone", () => {
  const persons = [...scenario(some).persons];
  expect([...scenario({ ...some, duplicates: 0, shuffle: 0 }).persons]).toEqual(persons);
  expect([...scenario({ ...some, duplicates: 1, shuffle: 1 }).persons]).toEqual(persons);
  expect([...scenario({ ...some, persons: 50 }).persons].slice(0, 40)).toEqual(persons);
});

test("each event is sent once under its true time, and again only later, with the same data", () => {
  fc.assert(
    fc.property(anyOptions, (options) => {
      for (const sends of Map.groupBy(all(options), key).values()) {
        const [first, ...others] = sends.filter(({ kind }) => kind === "first");
        expect(others).toEqual([]);
        const retries = sends.filter(({ kind }) => kind === "retry");
        expect(retries.every((retry) => timeOf(retry) > timeOf(first))).toBe(true);
        for (const send of sends) expect(told(send).data).toEqual(told(first ?? send).data);
      }
    }),
    { numRuns: 40 },
  );
});

test("a person's version and times are those of the events that are sent", () => {
  fc.assert(
    fc.property(anyOptions, (options) => {
      const firsts = all(options).filter(({ kind }) => kind === "first");
      const times = Map.groupBy(firsts, ({ entityId }) => entityId);
      for (const person of scenario(options).persons) {
        const own = (times.get(person.entityId) ?? []).map(timeOf).toSorted();
        expect(person.version).toBe(own.length);
        expect([person.firstEventAt, person.lastEventAt]).toEqual([own.at(0), own.at(-1)]);
      }
    }),
    { numRuns: 40 },
  );
});

test("each body is JSON that bears the identity the send claims", () => {
  for (const send of all({ ...some, persons: 300 })) {
    const message = told(send);
    const { event, id, entityId } = send.identity;
    expect(message["id"]).toBe(id);
    expect(message["event"] ?? message["webhookEvent"]).toBe(event);
    expect(message.data["entityId"]).toBe(entityId);
    expect(send.entityId).toBe(entityId);
    expect(message["creationTimeUtc"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z?$/);
  }
});

test("duplicates is the share of sends that are redeliveries, and six sends are the most", () => {
  for (const duplicates of [0, 0.1, 0.3, 0.5]) {
    const sends = all({ ...some, persons: 1000, duplicates });
    const again = sends.filter(({ kind }) => kind !== "first").length / sends.length;
    expect(Math.abs(again - duplicates)).toBeLessThan(0.02);
  }
  const counts = Map.groupBy(all({ ...some, duplicates: 1 }), key);
  expect(new Set([...counts.values()].map((sends) => sends.length))).toEqual(new Set([6]));
});

test("a duplicate is byte-equal to another send of its event", () => {
  for (const sends of Map.groupBy(all({ ...some, persons: 100 }), key).values()) {
    const told = sends.filter(({ kind }) => kind !== "duplicate").map(({ body }) => body.toString());
    expect(told).toEqual(expect.arrayContaining(sends.map(({ body }) => body.toString())));
  }
});

test("even unshuffled, a retry sometimes arrives before the first send", () => {
  const byEvent = Map.groupBy(all({ ...some, persons: 100, shuffle: 0 }), key);
  expect([...byEvent.values()].some(([earliest]) => earliest?.kind === "retry")).toBe(true);
});

test("shuffle 0 keeps each person's order of time, and shuffle 1 keeps none", () => {
  const inOrder = (shuffle: number): number => {
    const byPerson = Map.groupBy(all({ ...some, persons: 300, duplicates: 0, shuffle }), (s) => s.entityId);
    const pairs = [...byPerson.values()].flatMap((sends) =>
      sends.slice(1).map((s, n) => [sends[n] ?? s, s] as const),
    );
    return pairs.filter(([before, after]) => timeOf(before) <= timeOf(after)).length / pairs.length;
  };
  expect(inOrder(0)).toBe(1);
  expect(Math.abs(inOrder(1) - 0.5)).toBeLessThan(0.06);
  expect(inOrder(0.3)).toBeLessThan(inOrder(0.1));
});

test("the sends of about a hundred persons are mixed, and nobody's wait for the end", () => {
  const sends = all({ ...some, persons: 1000 });
  const last = new Map(sends.map(({ entityId }, n) => [entityId, n]));
  const first = new Map(sends.map(({ entityId }, n) => [entityId, n] as const).toReversed());
  const underWay = sends
    .map((_, n) => n)
    .filter((n) => n % 500 === 0)
    .map((n) => [...first].filter(([id, from]) => from <= n && n <= (last.get(id) ?? 0)).length);
  expect(Math.max(...underWay)).toBeLessThanOrEqual(100);
  expect(underWay[3]).toBeGreaterThan(50);
});

test("what real life holds turns up: every status, both approvals, reviews, odd ids, times and names", () => {
  const many = { ...some, persons: 1000 };
  const persons = [...scenario(many).persons];
  const sends = all(many);
  const bodies = sends.map(({ body }) => body.toString());
  expect(new Set(persons.map(({ status }) => status)).size).toBe(6);
  expect(new Set(persons.map(({ approval }) => approval?.kind))).toEqual(
    new Set(["manual", "auto", undefined]),
  );
  expect(new Set(persons.map(({ reviewNeeded }) => reviewNeeded)).size).toBe(2);
  expect(persons.some(({ unrecognisedEvents }) => unrecognisedEvents > 1)).toBe(true);
  expect(
    persons.some((p) =>
      p.identityDocuments.some((d) => d.startedAt !== null && d.startedAt > (d.uploadedAt ?? "~")),
    ),
  ).toBe(true);
  expect(persons.some(({ supportingDocuments }) => supportingDocuments.length > 2)).toBe(true);
  expect(sends.some(({ entityId }) => !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(entityId))).toBe(true);
  expect(sends.some(({ identity }) => BigInt(identity.id) > 2n ** 53n)).toBe(true);
  const oddities = [
    '"webhookEvent":',
    '"WebhookEvent":',
    '"EntityId":',
    '"riskScore":',
    '"attempt":3',
    "Zoë",
  ];
  expect(oddities.filter((oddity) => !bodies.some((body) => body.includes(oddity)))).toEqual([]);
  expect(bodies.some((body) => /T[\d:]{8}\.\d{7}"/.test(body))).toBe(true);
  expect(bodies.some((body) => /T[\d:]{8}\.\d{1,6}Z"/.test(body))).toBe(true);
});

test("one id stands for two events of one person, and two events share a tick", () => {
  const byPerson = Map.groupBy(all({ ...some, persons: 400, duplicates: 0 }), (send) => send.entityId);
  const share = (what: (send: Send) => string): boolean =>
    [...byPerson.values()].some((sends) => new Set(sends.map(what)).size < sends.length);
  expect(share(({ identity }) => identity.id)).toBe(true);
  expect(share(timeOf)).toBe(true);
  expect(share(key)).toBe(false);
});

test("histories begin within 30 days of startAt", () => {
  const startAt = new Date("2030-05-01T00:00:00Z");
  for (const { firstEventAt } of scenario({ ...some, startAt }).persons) {
    expect(firstEventAt !== null && firstEventAt >= "2030-05-01" && firstEventAt < "2030-05-31").toBe(true);
  }
});

test("for each event there is a conflict: its identity, other data", () => {
  const { sends, conflicts } = scenario(some);
  const known = new Map([...sends].map((send) => [key(send), told(send).data]));
  const all = [...conflicts];
  expect(all.map(key).toSorted()).toEqual([...known.keys()].toSorted());
  for (const conflict of all) expect(told(conflict).data).not.toEqual(known.get(key(conflict)));
});

test("poison that is called unparsable is no JSON, and other poison is an object", () => {
  const bodies = [...poison({ count: 400, seed: 1 })];
  expect(bodies).toEqual([...poison({ count: 400, seed: 1 })]);
  for (const { body, reason } of bodies) expect(isObject(body)).toBe(reason === "invalid-event");
});

test("options out of range are refused by name and value", () => {
  expect(() => scenario({ ...some, seed: -1 })).toThrow("seed is -1: give an integer from 0 to 4294967295");
  expect(() => scenario({ ...some, persons: 1.5 })).toThrow("persons is 1.5");
  expect(() => scenario({ ...some, duplicates: 20 })).toThrow("duplicates is 20: give a share from 0 to 1");
  expect(() => scenario({ ...some, shuffle: Number.NaN })).toThrow("shuffle is NaN");
  expect([...scenario({ ...some, persons: 0 }).sends]).toEqual([]);
});

test("a signature is as iComply writes it", () => {
  const vector =
    "sha256=C2-A4-F3-F2-1A-88-A5-0B-73-20-17-0E-7E-90-E7-77-BC-A9-7F-F6-AD-24-26-06-E9-64-7D-31-3B-8E-7C-5B";
  const secret = "whs_ef0dbc12345c418ab4a1cc4c888dea02";
  expect(sign('{"id":"254"}', secret)).toBe(vector);
  expect(sign(Buffer.from('{"id":"254"}'), secret)).toBe(vector);
});
