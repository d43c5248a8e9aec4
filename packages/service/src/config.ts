import { readFileSync } from "node:fs";
import type { z } from "zod";
import type { Result } from "./result.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

type Given =
  | { readonly is: "unset" }
  | { readonly is: "set"; readonly value: string; readonly from: "environment" | "file" }
  | { readonly is: "unusable"; readonly problem: string };

/**
 * Reads a service's configuration.
 *
 * @param schema one field for each variable, named as the variable is. A field's `describe()` says
 *   what the variable means. `meta({ shown: true })` lets a message repeat a bad value; nothing
 *   else is ever repeated, nor is a value that came from a file.
 * @param env the environment. Each variable may also be given as `NAME_FILE`, the path of a file
 *   that holds the value (a mounted secret; one newline at its end is dropped). An empty string
 *   counts as not set, because Compose passes one for what was left out.
 * @returns the values as the schema gives them, or one message that names every variable that is
 *   missing or wrong, with what it means.
 */
export function readConfig<Schema extends z.ZodObject<Record<string, z.ZodType>>>(
  schema: Schema,
  env: Environment,
): Result<z.output<Schema>> {
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, field] of Object.entries(schema.shape)) {
    const given = lookUp(name, env);
    const problem = problemWith(name, field, given);
    if (problem !== undefined) problems.push(explain(problem, field));
    else if (given.is === "set") values[name] = given.value;
  }
  return problems.length === 0
    ? { ok: true, value: schema.parse(values) }
    : { ok: false, error: ["The configuration cannot be used:", ...problems].join("\n") };
}

function lookUp(name: string, env: Environment): Given {
  const value = env[name] || undefined;
  const file = env[`${name}_FILE`] || undefined;
  if (file === undefined) {
    return value === undefined ? { is: "unset" } : { is: "set", value, from: "environment" };
  }
  if (value !== undefined) {
    return unusable(`${name} and ${name}_FILE are both set; unset one of them.`);
  }
  try {
    const content = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    return content === ""
      ? unusable(`${name}_FILE names an empty file, ${file}; write the value into it.`)
      : { is: "set", value: content, from: "file" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return unusable(`${name}_FILE names a file that cannot be read: ${reason}.`);
  }
}

function unusable(problem: string): Given {
  return { is: "unusable", problem };
}

function problemWith(name: string, field: z.ZodType, given: Given): string | undefined {
  switch (given.is) {
    case "unusable":
      return given.problem;
    case "unset":
      return field.safeParse(undefined).success
        ? undefined
        : `${name} is not set, and neither is ${name}_FILE.`;
    case "set": {
      const { error } = field.safeParse(given.value);
      if (error === undefined) return undefined;
      const rule = error.issues.map((issue) => issue.message).join(", and ");
      if (given.from === "file") return `${name}, read from ${name}_FILE, ${rule}.`;
      return field.meta()?.["shown"] === true
        ? `${name} ${rule}; it is ${JSON.stringify(given.value)}.`
        : `${name} ${rule}.`;
    }
  }
}

function explain(problem: string, field: z.ZodType): string {
  return field.description === undefined
    ? `  ${problem}`
    : `  ${problem}\n    ${field.description.replaceAll("\n", "\n    ")}`;
}
