import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A statement that each connection parses and plans once, under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Returns a statement of one or two lines, which is beside its caller. */
export function sql(name: string, text: string): Statement {
  return { name, text };
}

/** Returns the longer statement in `sql/NAME.sql`. */
export function sqlFile(name: string): Statement {
  return sql(name, readFileSync(join(import.meta.dirname, "..", "..", "sql", `${name}.sql`), "utf8"));
}

/**
 * Returns JSON texts as one parameter, for `string_to_array($1, E'\n')::json[]`: `JSON.stringify` writes no line break.
 * An array as a parameter would need an escape for each of their quotes, on both sides.
 */
export function jsonLines(texts: readonly string[]): string {
  return texts.join("\n");
}

/** A page ends with the row at which its content reaches so many bytes. Limits the memory that its reader needs. */
export const MAX_PAGE_BYTES = 1024 * 1024;
