/** A number that a double cannot hold, as the text that wrote it (`JSON.rawJSON`). */
interface RawNumber {
  readonly rawJSON: string;
}

export type Json = null | boolean | number | string | RawNumber | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };

/** Declares `JSON.rawJSON` and the reviver's `source`, which TypeScript's library lacks. */
interface JsonWithSource {
  parse(
    text: string,
    reviver: (name: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}
const { parse, rawJSON, isRawJSON } = JSON as unknown as JsonWithSource;

/** The deepest nesting that is accepted: functions over values recurse, and so does Postgres. */
export const MAX_DEPTH = 100;

/**
 * Parses JSON and keeps every digit: two payloads that differ in the twentieth digit of a number stay different.
 * Throws a `SyntaxError`, whose message may quote the text and must not be shown, and a `RangeError` if a value is
 * nested deeper than `MAX_DEPTH`.
 */
export function parseJson(text: string): Json {
  const rounded = JSON.parse(text) as Json;
  if (mayBeDeep(text) && isDeeper(rounded, MAX_DEPTH))
    throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
  if (!mayLoseDigits(text)) return rounded;
  return parse(text, (_name, value, { source }) =>
    typeof value === "number" && source !== undefined && mayLoseDigits(source) ? rawJSON(source) : value,
  ) as Json;
}

/**
 * Returns the canonical text of a JSON value: names sorted, no white space. Postgres accepts it as `json`, since
 * `JSON.stringify` escapes lone surrogates and control characters.
 */
export function canonicalJson(value: Json): string {
  return JSON.stringify(withSortedNames(value));
}

function withSortedNames(value: Json): Json {
  if (isArray(value)) return value.map(withSortedNames);
  if (!isJsonObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, withSortedNames(value[name] ?? null)]));
}

// Two fast searches of the text avoid two slow walks of nearly every value. They also search inside strings, so they may
// return true without need, but never false in error.

function mayBeDeep(text: string): boolean {
  let opened = 0;
  for (const opening of ["{", "["]) {
    for (let at = text.indexOf(opening); at !== -1; at = text.indexOf(opening, at + 1)) opened++;
  }
  return opened > MAX_DEPTH;
}

function mayLoseDigits(text: string): boolean {
  if (isLongNumber(text, 0)) return true;
  for (const mark of [":", ",", "["]) {
    for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) {
      if (isLongNumber(text, at + 1)) return true;
    }
  }
  return false;
}

const SPACE = 0x20;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** A number of more digits than a double holds, or with an exponent that may be out of its range. */
const LONG_NUMBER = /-?(?:[\d.]{16}|[\d.]+[eE][+-]?\d{3})/y;

function isLongNumber(text: string, start: number): boolean {
  let at = start;
  while (text.charCodeAt(at) <= SPACE) at++;
  const first = text.charCodeAt(at);
  if (first !== MINUS && !(first >= ZERO && first <= NINE)) return false;
  LONG_NUMBER.lastIndex = at;
  return LONG_NUMBER.test(text);
}

function isDeeper(value: Json, levels: number): boolean {
  if (value === null || typeof value !== "object") return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member as Json, levels - 1));
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !isArray(value) && !isRawJSON(value);
}

/** Returns the text of a string or a number, else `undefined`. iComply's ids are opaque and may be either. */
export function scalarText(value: Json | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  return isRawJSON(value) ? value.rawJSON : undefined;
}

function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
