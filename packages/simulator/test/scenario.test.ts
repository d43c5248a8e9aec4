import fc from "fast-check";
import { expect, test } from "vitest";
import { documentedEvents, poison, scenario, type ScenarioOptions, type Webhook } from "../src/index.ts";
import { STATUSES } from "../src/status.ts";

const some: ScenarioOptions = { persons: 40, seed: 1, duplicates: 0.3, shuffle: 0.5 };

const anyOptions = fc.record({
  persons: fc.integer({ min: 1, max: 12 }),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  duplicates: fc.double({ min: 0, max: 1, noNaN: true }),
  shuffle: fc.double({ min: 0, max: 1, noNaN: true }),
});

function parse({ body }: Webhook): Record<string, unknown> & { data: Record<string, unknown> } {
  const lowerCased = (fields: object): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value]),
    );
  const payload = lowerCased(JSON.parse(body.toString()) as object);
  return { ...payload, data: lowerCased(payload["data"] as object) };
}

function timeOf(webhook: Webhook | undefined): string {
  if (webhook === undefined) return "";
  const [seconds = "", fraction = ""] = String(parse(webhook)["creationTimeUtc"]).replace("Z", "").split(".");
  return `${seconds}.${fraction.padEnd(7, "0")}Z`;
}

function keyOf({ identity: { event, id, entityId } }: Webhook): string {
  return JSON.stringify([event, id, entityId]);
}

function webhooksOf(options: ScenarioOptions): Webhook[] {
  return [...scenario(options).webhooks];
}

function isObject(body: Buffer): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

test("the same options yield the same bytes in the same order, however often they are iterated", () => {
  const first = scenario(some);
  expect([...first.webhooks]).toEqual([...first.webhooks]);
  expect([...first.webhooks]).toEqual(webhooksOf(some));
  expect([...first.persons]).toEqual([...scenario(some).persons]);
});

test("another seed yields other persons", () => {
  const ids = (seed: number): string[] => [...scenario({ ...some, seed }).persons].map((p) => p.entityId);
  expect(new Set([...ids(1), ...ids(2), ...ids(3)]).size).toBe(3 * some.persons);
});

test("no two of 5,000 persons have the same id", () => {
  const ids = new Set<string>();
  for (const { entityId } of scenario({ ...some, persons: 5000 }).persons) ids.add(entityId);
  expect(ids.size).toBe(5000);
});

test("neither duplicates nor order nor more persons change a person's expected state", () => {
  const persons = [...scenario(some).persons];
  expect([...scenario({ ...some, duplicates: 0, shuffle: 0 }).persons]).toEqual(persons);
  expect([...scenario({ ...some, duplicates: 1, shuffle: 1 }).persons]).toEqual(persons);
  expect([...scenario({ ...some, persons: 50 }).persons].slice(0, 40)).toEqual(persons);
});

test("each event is sent once with its true time, and otherwise with a later one and equal data", () => {
  fc.assert(
    fc.property(anyOptions, (options) => {
      for (const webhooks of Map.groupBy(webhooksOf(options), keyOf).values()) {
        const [first, ...others] = webhooks.filter(({ kind }) => kind === "first");
        expect(others).toEqual([]);
        const retries = webhooks.filter(({ kind }) => kind === "retry");
        expect(retries.every((retry) => timeOf(retry) > timeOf(first))).toBe(true);
        for (const webhook of webhooks) expect(parse(webhook).data).toEqual(parse(first ?? webhook).data);
      }
    }),
    { numRuns: 40 },
  );
});

test("a person's version and times are those of the events that are sent", () => {
  fc.assert(
    fc.property(anyOptions, (options) => {
      const firsts = webhooksOf(options).filter(({ kind }) => kind === "first");
      const byPerson = Map.groupBy(firsts, ({ entityId }) => entityId);
      for (const person of scenario(options).persons) {
        const times = (byPerson.get(person.entityId) ?? []).map(timeOf).toSorted();
        expect(person.version).toBe(times.length);
        expect([person.firstEventAt, person.lastEventAt]).toEqual([times.at(0), times.at(-1)]);
      }
    }),
    { numRuns: 40 },
  );
});

test("each body is JSON with the identity that the webhook names", () => {
  for (const webhook of webhooksOf({ ...some, persons: 300 })) {
    const payload = parse(webhook);
    const { event, id, entityId } = webhook.identity;
    expect(payload["id"]).toBe(id);
    expect(payload["event"] ?? payload["webhookEvent"]).toBe(event);
    expect(payload.data["entityId"]).toBe(entityId);
    expect(webhook.entityId).toBe(entityId);
    expect(payload["creationTimeUtc"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z?$/);
  }
});

test("`duplicates` is the share of webhooks that are redeliveries, and an event has at most six", () => {
  for (const duplicates of [0, 0.1, 0.3, 0.5]) {
    const webhooks = webhooksOf({ ...some, persons: 1000, duplicates });
    const share = webhooks.filter(({ kind }) => kind !== "first").length / webhooks.length;
    expect(Math.abs(share - duplicates)).toBeLessThan(0.02);
  }
  const byEvent = Map.groupBy(webhooksOf({ ...some, duplicates: 1 }), keyOf);
  expect(new Set([...byEvent.values()].map((webhooks) => webhooks.length))).toEqual(new Set([6]));
});

test("a duplicate equals another webhook of its event byte for byte", () => {
  for (const webhooks of Map.groupBy(webhooksOf({ ...some, persons: 100 }), keyOf).values()) {
    const originals = webhooks.filter(({ kind }) => kind !== "duplicate").map(({ body }) => body.toString());
    expect(originals).toEqual(expect.arrayContaining(webhooks.map(({ body }) => body.toString())));
  }
});

test("even without shuffling, a retry sometimes arrives before the first webhook", () => {
  const byEvent = Map.groupBy(webhooksOf({ ...some, persons: 100, shuffle: 0 }), keyOf);
  expect([...byEvent.values()].some(([earliest]) => earliest?.kind === "retry")).toBe(true);
});

test("shuffle 0 keeps each person's order of time, and shuffle 1 leaves none", () => {
  const inOrder = (shuffle: number): number => {
    const webhooks = webhooksOf({ ...some, persons: 300, duplicates: 0, shuffle });
    const pairs = [...Map.groupBy(webhooks, ({ entityId }) => entityId).values()].flatMap((own) =>
      own.slice(1).map((webhook, n) => [own[n] ?? webhook, webhook] as const),
    );
    return pairs.filter(([before, after]) => timeOf(before) <= timeOf(after)).length / pairs.length;
  };
  expect(inOrder(0)).toBe(1);
  expect(Math.abs(inOrder(1) - 0.5)).toBeLessThan(0.06);
  expect(inOrder(0.3)).toBeLessThan(inOrder(0.1));
});

test("the webhooks of about a hundred persons are mixed, and no person's are left for the end", () => {
  const webhooks = webhooksOf({ ...some, persons: 1000 });
  const last = new Map(webhooks.map(({ entityId }, n) => [entityId, n]));
  const first = new Map(webhooks.map(({ entityId }, n) => [entityId, n] as const).toReversed());
  const open = webhooks
    .map((_, n) => n)
    .filter((n) => n % 500 === 0)
    .map((n) => [...first].filter(([id, from]) => from <= n && n <= (last.get(id) ?? 0)).length);
  expect(Math.max(...open)).toBeLessThanOrEqual(100);
  expect(open[3]).toBeGreaterThan(50);
});

test("every documented event and every status occurs", () => {
  const { webhooks, persons } = scenario({ ...some, persons: 1000 });
  const events = new Set(Array.from(webhooks, ({ identity }) => identity.event));
  expect(documentedEvents.filter((event) => !events.has(event))).toEqual([]);
  const statuses = new Set(Array.from(persons, ({ status }) => status));
  expect(STATUSES.filter((status) => !statuses.has(status))).toEqual([]);
});

test("what iComply really sends occurs: both approvals, reviews, odd ids, times, names and fields", () => {
  const many = { ...some, persons: 1000 };
  const persons = [...scenario(many).persons];
  const webhooks = webhooksOf(many);
  const bodies = webhooks.map(({ body }) => body.toString());
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
  const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
  expect(webhooks.some(({ entityId }) => !uuid.test(entityId))).toBe(true);
  expect(webhooks.some(({ identity }) => BigInt(identity.id) > 2n ** 53n)).toBe(true);
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

test("two events of a person may have one id, or one tick", () => {
  const webhooks = webhooksOf({ ...some, persons: 400, duplicates: 0 });
  const byPerson = [...Map.groupBy(webhooks, ({ entityId }) => entityId).values()];
  const isShared = (value: (webhook: Webhook) => string): boolean =>
    byPerson.some((own) => new Set(own.map(value)).size < own.length);
  expect(isShared(({ identity }) => identity.id)).toBe(true);
  expect(isShared(timeOf)).toBe(true);
  expect(isShared(keyOf)).toBe(false);
});

test("histories begin within 30 days of startAt", () => {
  const startAt = new Date("2030-05-01T00:00:00Z");
  for (const { firstEventAt } of scenario({ ...some, startAt }).persons) {
    expect(firstEventAt !== null && firstEventAt >= "2030-05-01" && firstEventAt < "2030-05-31").toBe(true);
  }
});

test("each event has a conflict, with its identity and other data", () => {
  const { webhooks, conflicts } = scenario(some);
  const known = new Map([...webhooks].map((webhook) => [keyOf(webhook), parse(webhook).data]));
  const all = [...conflicts];
  expect(all.map(keyOf).toSorted()).toEqual([...known.keys()].toSorted());
  for (const conflict of all) expect(parse(conflict).data).not.toEqual(known.get(keyOf(conflict)));
});

test("unparsable poison is no JSON, and other poison is an object", () => {
  const bodies = [...poison({ count: 400, seed: 1 })];
  expect(bodies).toEqual([...poison({ count: 400, seed: 1 })]);
  for (const { body, reason } of bodies) expect(isObject(body)).toBe(reason === "invalid-event");
});

test("an option out of range is refused by name and value", () => {
  expect(() => scenario({ ...some, seed: -1 })).toThrow("seed is -1: it must be an integer");
  expect(() => scenario({ ...some, persons: 1.5 })).toThrow("persons is 1.5");
  expect(() => scenario({ ...some, duplicates: 20 })).toThrow("duplicates is 20: it must be a number");
  expect(() => scenario({ ...some, shuffle: Number.NaN })).toThrow("shuffle is NaN");
  expect([...scenario({ ...some, persons: 0 }).webhooks]).toEqual([]);
});
