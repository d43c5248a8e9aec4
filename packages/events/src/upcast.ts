import type { JsonObject } from "./json.ts";

/**
 * Brings an object of any shape that was ever sent or stored into today's shape. The log keeps what came; every
 * reader passes through here, so an old row is read as if it had been written today. A step knows its old shape
 * by sight and leaves every other as it is.
 */
export function upcast(stored: JsonObject): JsonObject {
  return STEPS.reduce((shape, step) => step(shape), stored);
}

const STEPS: readonly ((stored: JsonObject) => JsonObject)[] = [camelCaseNames];

/** Some releases of the sender's webhook system write PascalCase names: `EntityId` is `entityId`. */
export function camelCaseNames(stored: JsonObject): JsonObject {
  const names = Object.keys(stored);
  if (!names.some(startsUpperCase)) return stored;
  return Object.fromEntries(
    names.map((name) => {
      const camelCase = name.charAt(0).toLowerCase() + name.slice(1);
      // A name that is there in both cases is two facts: neither may hide the other.
      return [
        startsUpperCase(name) && !Object.hasOwn(stored, camelCase) ? camelCase : name,
        stored[name] ?? null,
      ];
    }),
  );
}

function startsUpperCase(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 65 && first <= 90;
}
