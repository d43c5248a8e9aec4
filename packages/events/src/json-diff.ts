import { canonicalJson, isJsonObject, type Json } from "./json.ts";

/** A path at which two JSON values differ. */
export interface JsonDifference {
  /** Names and indexes, joined by dots: `identityDocuments.0.uploadedAt`. Empty for the whole value. */
  readonly path: string;
  /** `undefined` if the first value has nothing at this path. */
  readonly before: Json | undefined;
  /** `undefined` if the second value has nothing at this path. */
  readonly after: Json | undefined;
}

/**
 * Returns the paths at which two JSON values differ, none if their canonical texts are equal. Objects are compared name
 * by name, arrays index by index; anything else is a difference as a whole.
 *
 * @param limit how many are returned at most. A path is as long as the names in it, so that the paths of all differences
 *   may be many times larger than the values. Default: all
 */
export function diffJson(
  before: Json | undefined,
  after: Json | undefined,
  limit = Number.POSITIVE_INFINITY,
): readonly JsonDifference[] {
  return differences([], before, after).take(limit).toArray();
}

function* differences(
  path: readonly string[],
  before: Json | undefined,
  after: Json | undefined,
): Generator<JsonDifference, undefined> {
  const [from, to] = [membersOf(before), membersOf(after)];
  if (from !== undefined && to !== undefined && Array.isArray(before) === Array.isArray(after)) {
    for (const name of new Set([...from.keys(), ...to.keys()]))
      yield* differences([...path, name], from.get(name), to.get(name));
  } else if (textOf(before) !== textOf(after)) yield { path: path.join("."), before, after };
}

function textOf(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : canonicalJson(value);
}

/** Returns what an object or an array contains, by name or index; `undefined` for a value that contains nothing. */
function membersOf(value: Json | undefined): ReadonlyMap<string, Json> | undefined {
  if (Array.isArray(value) || isJsonObject(value)) return new Map<string, Json>(Object.entries(value));
  return undefined;
}
