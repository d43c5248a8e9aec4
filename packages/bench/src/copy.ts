import { once } from "node:events";
import { finished } from "node:stream/promises";
import type { ClientBase } from "pg";
import { from, to } from "pg-copy-streams";

export const NULL = "\0";

/** Reads a query's rows by `COPY`, as texts; `null` becomes `NULL`, which no text in Postgres can be. */
export async function* copyOut(client: ClientBase, query: string): AsyncGenerator<readonly string[]> {
  let rest = "";
  const stream = client.query(to(`copy (${query}) to stdout`)).setEncoding("utf8");
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.split("\t").map(unescape);
  }
}

const ESCAPED: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", b: "\b", f: "\f", v: "\v" };

function unescape(field: string): string {
  if (field === String.raw`\N`) return NULL;
  if (!field.includes("\\")) return field;
  return field.replaceAll(/\\(.)/g, (_, character: string) => ESCAPED[character] ?? character);
}

/** Writes rows by `COPY`. */
export async function copyIn(
  client: ClientBase,
  table: string,
  rows: AsyncIterable<readonly unknown[]>,
): Promise<void> {
  const stream = client.query(from(`copy ${table} from stdin`));
  let lines = "";
  for await (const row of rows) {
    lines += `${row.map((field) => escape(String(field))).join("\t")}\n`;
    if (lines.length < CHUNK) continue;
    if (!stream.write(lines)) await once(stream, "drain");
    lines = "";
  }
  stream.end(lines);
  await finished(stream);
}

const CHUNK = 64 * 1024;

function escape(field: string): string {
  return field.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };
