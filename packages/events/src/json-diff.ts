import type { Json, JsonObject } from "./json.ts";

/** One place at which two JSON values differ. */
export interface JsonDifference {
  /** Names and indexes, joined by dots: `identityDocuments.0.uploadedAt`; empty for the whole value. */
  readonly path: string;
  /** `undefined` where the first value has nothing at this path; so for `after` and the second. */
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** Returns where two JSON values differ, down to the values that contain no others; an empty list if they are equal. */
export function diffJson(before: Json | undefined, after: Json | undefined): readonly JsonDifference[] {
  return differencesAt([], before, after);
}

function differencesAt(
  path: readonly string[],
  before: Json | undefined,
  after: Json | undefined,
): readonly JsonDifference[] {
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => differencesAt([...path, name], before[name], after[name]));
  }
  return Object.is(before, after) ? [] : [{ path: path.join("."), before, after }];
}

function isContainer(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null;
}
