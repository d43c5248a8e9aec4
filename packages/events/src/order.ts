import type { Ticks } from "./ticks.ts";

/** Where an event stands among its person's events. */
export interface EventOrderKey {
  readonly ticks: Ticks;
  readonly event: string;
  readonly id: string;
}

/** The order of a person's events: by time, then `event`, then `id`; it never depends on arrival. */
export function compareOrderKeys(a: EventOrderKey, b: EventOrderKey): number {
  if (a.ticks !== b.ticks) return a.ticks < b.ticks ? -1 : 1;
  return compareText(a.event, b.event) || compareText(a.id, b.id);
}

/** By code points, as Postgres orders UTF-8 under `collate "C"`; JavaScript's `<` goes by UTF-16 units instead. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return aboveSurrogates(unitA) - aboveSurrogates(unitB);
  }
  return a.length - b.length;
}

/** Lifts surrogates (code points from U+10000) above the units U+E000 to U+FFFF. */
function aboveSurrogates(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
