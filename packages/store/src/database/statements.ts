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
