import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Result } from "./run.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

type RawValue =
  | { readonly kind: "unset" }
  | { readonly kind: "set"; readonly value: string; readonly source: "environment" | "file" }
  | { readonly kind: "unusable"; readonly problem: string };

/**
 * Reads a service's configuration.
 *
 * @param schema one field for each variable, under the variable's name. A field's `describe()` says what the variable
 *   means. `meta({ shown: true })` lets a message repeat a bad value from the environment; no other value is ever
 *   repeated, as it may be a secret.
 * @param env the environment. Each variable may also be given as `NAME_FILE`, the path of a file that holds its value
 *   (a mounted secret). What surrounds a value is trimmed, as `trimValue` says. An empty value counts as unset, because
 *   Compose passes one for a variable that is left out.
 * @returns the parsed values, or one message that names every variable that is missing or wrong, with its meaning
 */
export function readConfig<Schema extends z.ZodObject<Record<string, z.ZodType>>>(
  schema: Schema,
  env: Environment,
): Result<z.output<Schema>> {
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, field] of Object.entries(schema.shape)) {
    const raw = readRaw(name, env);
    const problem = findProblem(name, field, raw);
    if (problem !== undefined) problems.push(describeProblem(problem, field));
    else if (raw.kind === "set") values[name] = raw.value;
  }
  return problems.length === 0
    ? { ok: true, value: schema.parse(values) }
    : { ok: false, error: ["The configuration is invalid:", ...problems].join("\n") };
}

/** What a service logs in to its database with. */
export interface DatabaseConfig {
  readonly DATABASE_URL: string;
  /**
   * Returns the URL of now, if it is in a file: its login and password may change while the service runs. Throws while the
   * file is missing, or holds no URL, with a message that repeats no value.
   */
  readonly currentDatabaseUrl?: () => string;
}

/** As `readConfig`, of a service with a database. */
export function readServiceConfig<
  Schema extends z.ZodObject<Record<string, z.ZodType> & { readonly DATABASE_URL: z.ZodType<string> }>,
>(schema: Schema, env: Environment): Result<z.output<Schema> & DatabaseConfig> {
  const read = readConfig(schema, env) as Result<z.output<Schema> & DatabaseConfig>;
  if (!read.ok || !trimValue(env["DATABASE_URL_FILE"] ?? "")) return read;
  const urlSchema = z.object({ DATABASE_URL: schema.shape.DATABASE_URL });
  const currentDatabaseUrl = () => {
    const current = readConfig(urlSchema, env);
    if (!current.ok) throw new Error(current.error);
    return current.value.DATABASE_URL;
  };
  return { ok: true, value: { ...read.value, currentDatabaseUrl } };
}

function readRaw(name: string, env: Environment): RawValue {
  const value = trimValue(env[name] ?? "") || undefined;
  const file = trimValue(env[`${name}_FILE`] ?? "") || undefined;
  if (file === undefined) {
    return value === undefined ? { kind: "unset" } : { kind: "set", value, source: "environment" };
  }
  if (value !== undefined) {
    return { kind: "unusable", problem: `${name} and ${name}_FILE are both set; unset one of them.` };
  }
  try {
    const content = trimValue(readFileSync(file, "utf8"));
    return content === ""
      ? { kind: "unusable", problem: `${name}_FILE names an empty file, ${file}; write the value into it.` }
      : { kind: "set", value: content, source: "file" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "unusable", problem: `${name}_FILE names a file that cannot be read: ${reason}.` };
  }
}

/**
 * Returns a value without what an editor, a shell or an env file leaves around it: white space, line ends, a byte order
 * mark, and a pair of quotes.
 */
export function trimValue(value: string): string {
  const trimmed = value.trim();
  const quoted = /^(["'])((?:(?!\1).)*)\1$/s.exec(trimmed)?.[2];
  return quoted === undefined ? trimmed : trimValue(quoted);
}

function findProblem(name: string, field: z.ZodType, raw: RawValue): string | undefined {
  switch (raw.kind) {
    case "unusable":
      return raw.problem;
    case "unset":
      return field.safeParse(undefined).success
        ? undefined
        : `${name} is not set, and neither is ${name}_FILE.`;
    case "set": {
      const { error } = field.safeParse(raw.value);
      if (error === undefined) return undefined;
      const rule = error.issues.map((issue) => issue.message).join(", and ");
      if (raw.source === "file") return `${name}, read from ${name}_FILE, ${rule}.`;
      return field.meta()?.["shown"] === true
        ? `${name} ${rule}; it is ${JSON.stringify(raw.value)}.`
        : `${name} ${rule}.`;
    }
  }
}

function describeProblem(problem: string, field: z.ZodType): string {
  return field.description === undefined
    ? `  ${problem}`
    : `  ${problem}\n    ${field.description.replaceAll("\n", "\n    ")}`;
}
