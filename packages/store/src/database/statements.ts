import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A statement that Postgres parses and plans once a connection, by its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** The statement in `sql/NAME.sql`. */
export function statement(name: string): Statement {
  return { name, text: readFileSync(join(import.meta.dirname, "..", "..", "sql", `${name}.sql`), "utf8") };
}

/**
 * JSON texts as one parameter, for `string_to_array($1, E'\n')::json[]`: `JSON.stringify` writes no line break. An
 * array as a parameter needs an escape for each of their quotes, on both sides.
 */
export function jsonLines(texts: readonly string[]): string {
  return texts.join("\n");
}
