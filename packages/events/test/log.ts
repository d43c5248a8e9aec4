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

/** One person's log, kept as a store would: what `append` needs is read from the entries alone. */
export class Log {
  readonly entityId: string;
  readonly entries: HashedEntry[] = [];
  readonly outcomes = new Map<string, Outcome>();
  folded: Folded | undefined;
  refolds = 0;

  constructor(entityId: string) {
    this.entityId = entityId;
  }

  take(sends: readonly ParsedDelivery[]): this {
    const last = this.entries.at(-1);
    const appended = append(
      {
        entityId: this.entityId,
        seq: last?.seq ?? 0,
        hash: last?.hash ?? CHAIN_START,
        known: this.#known(new Set(sends.map(({ event }) => identityKey(event)))),
        folded: this.folded,
      },
      sends,
    );
    this.entries.push(...appended.entries);
    for (const [deliveryId, outcome] of appended.outcomes) this.outcomes.set(deliveryId, outcome);
    if (appended.folded === "out-of-order") this.refolds++;
    this.folded = appended.folded === "out-of-order" ? fold(this.entityId, this.events()) : appended.folded;
    return this;
  }

  /** The distinct events in order, each under its earliest time. */
  events(): Event[] {
    const events = new Map<string, Event>();
    for (const { kind, entityId, event, id, ticks, dataJson } of this.entries) {
      const key = identityKey({ event, id });
      const before = events.get(key);
      if (kind === "event")
        events.set(
          key,
          fromLog({ event, id, entityId, ticks, data: parseJson(dataJson ?? "") as JsonObject }),
        );
      else if (before !== undefined && ticks < before.ticks) events.set(key, { ...before, ticks });
    }
    return [...events.values()].sort(compareOrderKeys);
  }

  #known(wanted: ReadonlySet<string>): Map<string, KnownEvent> {
    const known = new Map<string, KnownEvent>();
    for (const entry of this.entries) {
      const key = identityKey(entry);
      const ticks = known.get(key)?.ticks ?? entry.ticks;
      if (wanted.has(key))
        known.set(key, {
          ticks: entry.ticks < ticks ? entry.ticks : ticks,
          dataDigest: entry.dataDigest,
        });
    }
    return known;
  }
}
