/** A number whose digits a double cannot hold, kept as it was written (`JSON.rawJSON`). */
interface RawNumber {
  readonly rawJSON: string;
}

export type Json = null | boolean | number | string | RawNumber | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };

/** What `JSON.rawJSON` and the reviver's `source` are, until TypeScript's own library declares them. */
interface JsonWithSource {
  parse(
    text: string,
    reviver: (name: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}
const { parse, rawJSON, isRawJSON } = JSON as unknown as JsonWithSource;

/** Nesting beyond this is refused: what walks a value recurses, and Postgres' own limit ends in an error of its. */
export const MAX_DEPTH = 100;

/**
 * Parses JSON without losing a digit: two payloads that differ in the twentieth digit of a number stay different.
 * Throws a `SyntaxError`, whose message may quote the text and so must not be shown, and a `RangeError` for a value
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
 * The one text of a JSON value: names in one fixed order, no white space. Always valid Unicode without a raw NUL,
 * since `JSON.stringify` escapes lone surrogates and control characters; so Postgres takes it as `json`.
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

// What takes as long as parsing, a walk through the value and one through its numbers, is spared nearly every text by
// a search for single characters, which is many times faster. Both searches may say yes for nothing, as they do not
// know what stands in strings; never no.

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
/** More digits than a double keeps, or an exponent that may leave its range. */
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

/** The text of a string or a number; `undefined` for everything else. iComply's ids are opaque: digits or not. */
export function scalarText(value: Json | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  return isRawJSON(value) ? value.rawJSON : undefined;
}

function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
