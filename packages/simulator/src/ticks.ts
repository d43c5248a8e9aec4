/** A point in time or a span, in 100 ns ticks as .NET counts them; points are since 1970 UTC. */
export type Ticks = bigint;

export const second: Ticks = 10_000_000n;
export const minute: Ticks = 60n * second;
export const day: Ticks = 1440n * minute;

const millisecond: Ticks = 10_000n;

export function ticksOf(date: Date): Ticks {
  return BigInt(date.getTime()) * millisecond;
}

/** ISO 8601 in UTC with all seven fractional digits: `2022-02-01T15:09:26.1712603Z`. */
export function utc(ticks: Ticks): string {
  const iso = new Date(Number(ticks / millisecond)).toISOString();
  return `${iso.slice(0, -1)}${String(ticks % millisecond).padStart(4, "0")}Z`;
}
