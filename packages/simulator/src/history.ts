import type { Payload } from "./payload.ts";
import { Random } from "./random.ts";
import { Story, type Step } from "./story.ts";
import { day, minute, ticksOf, type Ticks } from "./ticks.ts";

/** Something that truly happened to a person. */
export type Occurrence = {
  readonly event: string;
  readonly id: string;
  /** The earliest time under which it is ever sent. */
  readonly at: Ticks;
  readonly data: Payload["data"];
};

/** What truly happened to one person, in order: by time, then event, then id. */
export type History = {
  readonly entityId: string;
  readonly occurrences: readonly Occurrence[];
};

/** The history of the person numbered `index`: a function of its arguments alone. */
export function history(seed: number, index: number, startAt: Date): History {
  const random = new Random(seed, "history", index);
  const story = new Story(random);
  const steps = numbered(untilAbandoned(story, random), random);
  const start = ticksOf(startAt) + ticksBelow(30n * day, random);
  const occurrences = timed(withLostSends(steps, random), start, random);
  return { entityId: story.entityId, occurrences: occurrences.toSorted(inOrder) };
}

type NumberedStep = Step & { readonly id: string };

function untilAbandoned(story: Story, random: Random): Step[] {
  const steps: Step[] = [];
  for (const step of story.told()) {
    steps.push(step);
    if (random.chance(0.03)) break;
  }
  return steps;
}

function numbered(steps: readonly Step[], random: Random): NumberedStep[] {
  // Beyond 2^53 neighbouring ids become one to whoever reads them as numbers.
  let id = random.chance(0.05) ? 2n ** 53n : BigInt(random.below(2000));
  const taken = new Set<string>();
  return steps.map((step) => {
    const shared = step.beside ?? random.chance(0.03);
    if (!shared || taken.has(`${step.event} ${id}`)) id += BigInt(1 + random.below(3));
    taken.add(`${step.event} ${id}`);
    return { ...step, id: String(id) };
  });
}

/**
 * Where the first sends of an event were lost, its earliest known time is that of a retry: it then
 * stands after what followed it, an upload before its start.
 */
function withLostSends(steps: readonly NumberedStep[], random: Random): NumberedStep[] {
  const later = [...steps];
  if (random.chance(0.15)) {
    const place = random.below(later.length);
    const late = later.splice(place, 1);
    later.splice(place + random.below(steps.length - place), 0, ...late);
  }
  return later;
}

function timed(steps: readonly NumberedStep[], start: Ticks, random: Random): Occurrence[] {
  let at = start;
  return steps.map(({ event, id, data, beside }, place) => {
    if (place > 0 && beside !== true) at += pause(random);
    return { event, id, at, data };
  });
}

function pause(random: Random): Ticks {
  const kind = random.below(100);
  if (kind < 5) return 0n;
  if (kind < 10) return 1n;
  return ticksBelow(kind < 90 ? 20n * minute : 5n * day, random);
}

function ticksBelow(bound: Ticks, random: Random): Ticks {
  return (bound * BigInt(random.below(2 ** 32))) >> 32n;
}

function inOrder(a: Occurrence, b: Occurrence): number {
  return compare(a.at, b.at) || compare(a.event, b.event) || compare(a.id, b.id);
}

/** By code unit, never by a locale's alphabet. */
export function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
