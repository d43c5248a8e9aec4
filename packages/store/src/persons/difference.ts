import type { Json, JsonObject } from "@dossier/events";

/** One place at which two JSON values differ; `undefined` on the side where there is nothing. */
export interface Difference {
  /** Names and indexes, joined by dots: `identityDocuments.0.uploadedAt`. */
  readonly path: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** Where two values differ, down to what holds no others. */
export function differences(
  before: Json | undefined,
  after: Json | undefined,
  path: readonly string[] = [],
): readonly Difference[] {
  if (isBranch(before) && isBranch(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) =>
      differences(before[name], after[name], [...path, name]),
    );
  return before === after ? [] : [{ path: path.join("."), before, after }];
}

function isBranch(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null;
}
