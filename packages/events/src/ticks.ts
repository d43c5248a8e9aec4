/**
 * A point in time, in .NET ticks: units of 100 ns since 1970-01-01T00:00:00Z. iComply's times have seven fractional
 * digits, which a JavaScript `Date` cannot hold.
 */
export type Ticks = bigint;

export const TICKS_PER_MILLISECOND = 10_000n;
export const TICKS_PER_SECOND = 10_000_000n;

const ISO_8601 =
  /^(\d{4}-\d{2}-(\d{2})T(?:[01]\d|2[0-3]):\d{2}:\d{2})(?:\.(\d{1,7}))?(?:Z|([+-])(\d{2}):(\d{2}))?$/;

/**
 * Parses an ISO 8601 time with up to seven fractional digits. Without a zone it is UTC, as the name of iComply's field
 * (`creationTimeUtc`) says. Returns `undefined` for any other text, and for a date that no calendar has.
 */
export function parseTicks(text: string): Ticks | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) return undefined;
  const [, seconds, day, fraction = "", sign, hours = "00", minutes = "00"] = match;
  const milliseconds = Date.parse(`${seconds}Z`);
  // V8 parses a 30th of February as the 2nd of March.
  if (new Date(milliseconds).getUTCDate() !== Number(day)) return undefined;
  if (Number(hours) > 14 || Number(minutes) > 59) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  const utc = sign === "-" ? milliseconds + offset : milliseconds - offset;
  const ticks = BigInt(utc) * TICKS_PER_MILLISECOND + BigInt(fraction.padEnd(7, "0"));
  return ticks < LEAST || ticks > GREATEST ? undefined : ticks;
}

const AS_WRITTEN = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,7})?)?)?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * Returns the ISO 8601 time that a person means by `2026-01-31`, which is its midnight, or by `2026-01-31 12:00`, with
 * seconds and a zone or without; UTC if it names no zone. Returns any other text as it is.
 */
export function completeTime(text: string): string {
  const match = AS_WRITTEN.exec(text.trim());
  if (match === null) return text;
  const [, day, minutes = "00:00", seconds = ":00", zone = "Z"] = match;
  return `${day}T${minutes}${seconds}${zone}`;
}

/** Returns the time as ISO 8601 in UTC with seven fractional digits. Such texts sort as the times do. */
export function formatTicks(ticks: Ticks): string {
  const seconds = Number(ticks / TICKS_PER_SECOND);
  const fraction = Number(ticks % TICKS_PER_SECOND);
  // BigInt division rounds towards zero, which is up for times before 1970.
  return fraction < 0
    ? `${formatSeconds(seconds - 1)}.${sevenDigits(fraction + 10_000_000)}Z`
    : `${formatSeconds(seconds)}.${sevenDigits(fraction)}Z`;
}

function formatSeconds(seconds: number): string {
  const day = Math.floor(seconds / 86_400);
  const second = seconds - day * 86_400;
  const hour = Math.floor(second / 3_600);
  const minute = Math.floor(second / 60) % 60;
  return `${formatDay(day)}T${twoDigits(hour)}:${twoDigits(minute)}:${twoDigits(second % 60)}`;
}

function sevenDigits(value: number): string {
  return String(value).padStart(7, "0");
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

/** Formats without `toISOString`, which takes longer than everything else that is done for an event. */
function formatDay(day: number): string {
  const date = new Date(day * 86_400_000);
  const year = String(date.getUTCFullYear()).padStart(4, "0");
  return `${year}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`;
}

// The years 0001 to 9999, as in .NET's DateTime: their text has a fixed width.
const LEAST = BigInt(Date.parse("0001-01-01T00:00:00Z")) * TICKS_PER_MILLISECOND;
const GREATEST = BigInt(Date.parse("9999-12-31T23:59:59Z")) * TICKS_PER_MILLISECOND + TICKS_PER_SECOND - 1n;
