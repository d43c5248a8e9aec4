import { poison, scenario, type ExpectedPerson, type Webhook } from "@dossier/simulator";
import { expect, expectTypeOf, test } from "vitest";
import { fold, identityKey, parseDelivery, toPerson, type ParsedEvent, type Person } from "../src/index.ts";

// The simulator knows what each person must come to without any code of this package: here both must agree.

const options = { persons: 500, seed: 20, duplicates: 0.3, shuffle: 0.6 };

function parse({ body }: { body: Buffer }): ParsedEvent {
  const event = parseDelivery(body);
  if (!event.ok) throw new Error(`${event.error.reason}: ${event.error.message}`);
  return event.value;
}

function keyOf(event: ParsedEvent): string {
  return `${event.entityId} ${identityKey(event)}`;
}

/** Returns each event with the earliest time of its webhooks. */
function eventsOf(webhooks: readonly Webhook[]): ParsedEvent[] {
  const events = new Map<string, ParsedEvent>();
  for (const event of webhooks.map(parse)) {
    const known = events.get(identityKey(event));
    if (known === undefined || event.ticks < known.ticks) events.set(identityKey(event), event);
  }
  return [...events.values()];
}

test("the simulator's expected person has the fields of a person", () => {
  expectTypeOf<ExpectedPerson>().toEqualTypeOf<Person>();
});

test("folding a person's webhooks gives the state that the simulator expects", () => {
  const { webhooks, persons } = scenario(options);
  const byPerson = Map.groupBy(webhooks, ({ entityId }) => entityId);
  for (const person of persons) {
    const folded = fold(person.entityId, eventsOf(byPerson.get(person.entityId) ?? []));
    expect(folded && toPerson(folded.state)).toEqual(person);
  }
});

test("all webhooks of an event have equal data, however they are written, and its conflict has other data", () => {
  const { webhooks, conflicts } = scenario(options);
  const digests = new Map<string, string>();
  for (const event of Iterator.from(webhooks).map(parse)) {
    const digest = event.dataDigest.toString("hex");
    expect(digests.get(keyOf(event)) ?? digest).toBe(digest);
    digests.set(keyOf(event), digest);
  }
  for (const event of Iterator.from(conflicts).map(parse)) {
    expect(event.dataDigest.toString("hex")).not.toBe(digests.get(keyOf(event)));
  }
});

test("poison is a dead letter for the reason that it names", () => {
  for (const { body, reason } of poison({ count: 500, seed: 3 })) {
    expect(parseDelivery(body)).toMatchObject({ ok: false, error: { reason } });
  }
});
