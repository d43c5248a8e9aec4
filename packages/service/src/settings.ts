import type { z } from "zod";

/**
 * Returns a service's settings as text, by name. The values of those alone are in it that a message may repeat
 * (`meta({ shown: true })`): any other may be a secret, or hold one.
 */
export function describeSettings(
  schema: z.ZodObject<Record<string, z.ZodType>>,
  config: object,
): Readonly<Record<string, string>> {
  const values = new Map<string, unknown>(Object.entries(config));
  return Object.fromEntries(
    Object.entries(schema.shape).map(([name, field]) => {
      const value = values.get(name);
      if (value === undefined) return [name, "not set"];
      return [name, field.meta()?.["shown"] === true ? formatValue(value) : "set, not shown"];
    }),
  );
}

/** A value of several is written as in the environment. */
function formatValue(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map((entry) => entry.join("="))
    .join();
}
