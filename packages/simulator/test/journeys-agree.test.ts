import { fold, identityKey, parseDelivery, toPerson, type ParsedEvent } from "@dossier/events";
import { expect, test } from "vitest";
import { scenario, poison, type Send } from "../src/index.ts";

const options = { persons: 500, seed: 20, duplicates: 0.3, shuffle: 0.6 };

function read({ body }: { body: Buffer }): ParsedEvent {
  const told = parseDelivery(body);
  if (!told.ok) throw new Error(`${told.error.reason}: ${told.error.message}`);
  return told.value;
}

function earliestOfEach(sends: readonly Send[]): ParsedEvent[] {
  const events = new Map<string, ParsedEvent>();
  for (const told of sends.map(read)) {
    const known = events.get(identityKey(told));
    if (known === undefined || told.ticks < known.ticks) events.set(identityKey(told), told);
  }
  return [...events.values()];
}

test("folding what was sent gives the file that the simulator expects, for every person", () => {
  const { sends, persons } = scenario(options);
  const byPerson = Map.groupBy(sends, (send) => send.entityId);
  for (const person of persons) {
    const folded = fold(person.entityId, earliestOfEach(byPerson.get(person.entityId) ?? []));
    expect(folded && toPerson(folded.state)).toEqual(person);
  }
});

test("the sends of one event tell equal data, in whatever dress, and its conflict tells other data", () => {
  const { sends, conflicts } = scenario(options);
  const digests = new Map<string, string>();
  const key = (told: ParsedEvent): string => `${told.entityId} ${identityKey(told)}`;
  for (const told of Iterator.from(sends).map(read)) {
    const digest = told.dataDigest.toString("hex");
    expect(digests.get(key(told)) ?? digest).toBe(digest);
    digests.set(key(told), digest);
  }
  for (const told of Iterator.from(conflicts).map(read)) {
    expect(told.dataDigest.toString("hex")).not.toBe(digests.get(key(told)));
  }
});

test("poison is refused for the reason it names", () => {
  for (const { body, reason } of poison({ count: 500, seed: 3 })) {
    expect(parseDelivery(body)).toMatchObject({ ok: false, error: { reason } });
  }
});
