import {
  append,
  CHAIN_START,
  compareOrderKeys,
  fold,
  fromLog,
  identityKey,
  parseJson,
  type Event,
  type Folded,
  type HashedEntry,
  type JsonObject,
  type KnownEvent,
  type Outcome,
  type ParsedDelivery,
} from "../src/index.ts";

/** One person's log as a store keeps it: what `append` needs is read from the entries alone. */
export class InMemoryLog {
  readonly entityId: string;
  readonly entries: HashedEntry[] = [];
  readonly outcomes = new Map<string, Outcome>();
  folded: Folded | undefined;
  refolds = 0;

  constructor(entityId: string) {
    this.entityId = entityId;
  }

  /** Appends a batch of deliveries. */
  append(deliveries: readonly ParsedDelivery[]): this {
    const last = this.entries.at(-1);
    const appended = append(
      {
        entityId: this.entityId,
        seq: last?.seq ?? 0,
        hash: last?.hash ?? CHAIN_START,
        known: this.#knownEvents(new Set(deliveries.map(({ event }) => identityKey(event)))),
        folded: this.folded,
      },
      deliveries,
    );
    this.entries.push(...appended.entries);
    for (const [deliveryId, outcome] of appended.outcomes) this.outcomes.set(deliveryId, outcome);
    if (appended.folded === "out-of-order") this.refolds++;
    this.folded = appended.folded === "out-of-order" ? fold(this.entityId, this.events()) : appended.folded;
    return this;
  }

  /** Returns the distinct events in order, each with its earliest time. */
  events(): Event[] {
    const events = new Map<string, Event>();
    for (const { kind, entityId, event, id, ticks, dataJson } of this.entries) {
      const key = identityKey({ event, id });
      const before = events.get(key);
      const data = () => parseJson(dataJson ?? "") as JsonObject;
      if (kind === "event") events.set(key, fromLog({ event, id, entityId, ticks, data: data() }));
      else if (before !== undefined && ticks < before.ticks) events.set(key, { ...before, ticks });
    }
    return [...events.values()].sort(compareOrderKeys);
  }

  #knownEvents(keys: ReadonlySet<string>): Map<string, KnownEvent> {
    const known = new Map<string, KnownEvent>();
    for (const { dataDigest, ...entry } of this.entries) {
      const key = identityKey(entry);
      const ticks = known.get(key)?.ticks ?? entry.ticks;
      const { deliveryId } = known.get(key) ?? entry;
      if (keys.has(key))
        known.set(key, { ticks: entry.ticks < ticks ? entry.ticks : ticks, dataDigest, deliveryId });
    }
    return known;
  }
}
