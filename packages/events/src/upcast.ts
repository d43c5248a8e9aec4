import type { JsonObject } from "./json.ts";

/**
 * Returns an object of any shape that was ever sent in today's shape. The log keeps data as it came, so every
 * reader of data calls this first. Each step recognises its old shape, and returns every other object as it is.
 */
export function upcast(object: JsonObject): JsonObject {
  return STEPS.reduce((shape, step) => step(shape), object);
}

const STEPS: readonly ((object: JsonObject) => JsonObject)[] = [camelCaseNames];

/** Some releases of iComply write PascalCase names: `EntityId` for `entityId`. */
export function camelCaseNames(object: JsonObject): JsonObject {
  const names = Object.keys(object);
  if (!names.some(startsUpperCase)) return object;
  return Object.fromEntries(
    names.map((name) => {
      const camelCase = name.charAt(0).toLowerCase() + name.slice(1);
      // If an object has a name in both cases, both are kept: neither may hide the other.
      const renamed = startsUpperCase(name) && !Object.hasOwn(object, camelCase);
      return [renamed ? camelCase : name, object[name] ?? null];
    }),
  );
}

function startsUpperCase(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 65 && first <= 90;
}
