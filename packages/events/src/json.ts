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

// More digits than a double keeps, or an exponent that may leave its range.
const MAY_LOSE_DIGITS = /[\d.]{16}|\d[eE][+-]?\d{3}/;

/**
 * Parses JSON without losing a digit: two payloads that differ in the twentieth digit of a number stay different.
 * Throws a `SyntaxError`, whose message may quote the text and so must not be shown.
 */
export function parseJson(text: string): Json {
  if (!MAY_LOSE_DIGITS.test(text)) return JSON.parse(text) as Json;
  return parse(text, (_name, value, { source }) =>
    typeof value === "number" && source !== undefined && MAY_LOSE_DIGITS.test(source)
      ? rawJSON(source)
      : value,
  ) as Json;
}

/**
 * The one text of a JSON value: names in one fixed order, no white space. Always valid
 * Unicode without a raw NUL, since `JSON.stringify` escapes lone surrogates and control characters; so Postgres
 * takes it as `json`. Gives `undefined` when the value is nested deeper than `maxDepth`.
 */
export function canonicalJson(value: Json, maxDepth: number): string | undefined {
  const sorted = withSortedNames(value, maxDepth);
  return sorted === undefined ? undefined : JSON.stringify(sorted);
}

function withSortedNames(value: Json, maxDepth: number): Json | undefined {
  if (value === null || typeof value !== "object" || isRawJSON(value)) return value;
  if (maxDepth === 0) return undefined;
  if (isArray(value)) {
    const items = value.map((item) => withSortedNames(item, maxDepth - 1));
    return items.includes(undefined) ? undefined : (items as Json[]);
  }
  const sorted: [string, Json][] = [];
  for (const name of Object.keys(value).sort()) {
    const member = withSortedNames(value[name] ?? null, maxDepth - 1);
    if (member === undefined) return undefined;
    sorted.push([name, member]);
  }
  return Object.fromEntries(sorted);
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

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
