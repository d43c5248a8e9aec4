export interface JsonDifference {
  /** Names and indexes, joined by dots: `identityDocuments.0.uploadedAt`. */
  readonly path: string;
  /** `undefined` where there is nothing. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Returns where two JSON values differ, down to the innermost values. */
export function diffJson(before: unknown, after: unknown, path = ""): readonly JsonDifference[] {
  if (before === after) return [];
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [{ path, before, after }];
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) =>
    diffJson(before[name], after[name], path === "" ? name : `${path}.${name}`),
  );
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
