import type { Payload } from "./payload.ts";
import { SimulatedPerson, type Step } from "./person.ts";
import { Random } from "./random.ts";

/** A point in time since 1970 UTC, or a span, in units of 100 ns as .NET counts them. */
export type Ticks = bigint;

const MILLISECOND: Ticks = 10_000n;
export const SECOND: Ticks = 1_000n * MILLISECOND;
export const MINUTE: Ticks = 60n * SECOND;
export const DAY: Ticks = 1_440n * MINUTE;

/** Something that happened to a person. */
export type HistoryEvent = {
  readonly event: string;
  readonly id: string;
  /** The earliest time of all its webhooks. */
  readonly ticks: Ticks;
  readonly data: Payload["data"];
};

/** All that happened to a person, ordered by time, then event, then id. */
export type History = {
  readonly entityId: string;
  readonly events: readonly HistoryEvent[];
};

/** Returns the history of the person numbered `index`: a function of its arguments alone. */
export function createHistory(seed: number, index: number, startAt: Date): History {
  const random = new Random(seed, "history", index);
  const person = new SimulatedPerson(random);
  const steps = withIds(untilAbandoned(person, random), random);
  const start = toTicks(startAt) + ticksBelow(30n * DAY, random);
  const events = withTimes(withLostWebhooks(steps, random), start, random);
  return { entityId: person.entityId, events: events.toSorted(compareEvents) };
}

type StepWithId = Step & { readonly id: string };

function untilAbandoned(person: SimulatedPerson, random: Random): Step[] {
  const steps: Step[] = [];
  for (const step of person.steps()) {
    steps.push(step);
    if (random.chance(0.03)) break;
  }
  return steps;
}

function withIds(steps: readonly Step[], random: Random): StepWithId[] {
  // Beyond 2^53 neighbouring ids are equal to a reader who takes them for numbers.
  let id = random.chance(0.05) ? 2n ** 53n : BigInt(random.below(2000));
  const used = new Set<string>();
  return steps.map((step) => {
    const sameId = step.simultaneous ?? random.chance(0.03);
    if (!sameId || used.has(`${step.event} ${id}`)) id += BigInt(1 + random.below(3));
    used.add(`${step.event} ${id}`);
    return { ...step, id: String(id) };
  });
}

/**
 * Sometimes an event's first webhooks were lost. Then its earliest known time is that of a retry, after what followed
 * it: an upload comes before its start.
 */
function withLostWebhooks(steps: readonly StepWithId[], random: Random): StepWithId[] {
  const moved = [...steps];
  if (random.chance(0.15)) {
    const index = random.below(moved.length);
    const late = moved.splice(index, 1);
    moved.splice(index + random.below(steps.length - index), 0, ...late);
  }
  return moved;
}

function withTimes(steps: readonly StepWithId[], start: Ticks, random: Random): HistoryEvent[] {
  let ticks = start;
  return steps.map(({ event, id, data, simultaneous }, index) => {
    if (index > 0 && simultaneous !== true) ticks += pause(random);
    return { event, id, ticks, data };
  });
}

function pause(random: Random): Ticks {
  const kind = random.below(100);
  if (kind < 5) return 0n;
  if (kind < 10) return 1n;
  return ticksBelow(kind < 90 ? 20n * MINUTE : 5n * DAY, random);
}

function ticksBelow(bound: Ticks, random: Random): Ticks {
  return (bound * BigInt(random.below(2 ** 32))) >> 32n;
}

function compareEvents(a: HistoryEvent, b: HistoryEvent): number {
  return compare(a.ticks, b.ticks) || compare(a.event, b.event) || compare(a.id, b.id);
}

/** Compares by code unit, not by a locale's alphabet. */
export function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function toTicks(date: Date): Ticks {
  return BigInt(date.getTime()) * MILLISECOND;
}

/** Returns ISO 8601 in UTC with all seven fractional digits: `2022-02-01T15:09:26.1712603Z`. */
export function formatTicks(ticks: Ticks): string {
  const iso = new Date(Number(ticks / MILLISECOND)).toISOString();
  return `${iso.slice(0, -1)}${String(ticks % MILLISECOND).padStart(4, "0")}Z`;
}
