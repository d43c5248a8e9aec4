/** What is answered as a file, and how one as CSV is written. */
import type { Context } from "hono";

export interface FileKind {
  readonly name: string;
  /** Its media type. */
  readonly type: string;
}

/** Called with why an answer broke off after it began. */
export type OnFileError = (err: unknown) => void;

/** Answers a HEAD as the file would be answered, of which nothing is read. */
export function answerFileHead(c: Context, kind: FileKind): Response {
  return answerFile(c, kind, ReadableStream.from<string>([]), () => undefined);
}

/** Answers a file while it is read. If that fails, the connection breaks, so that nobody takes a part for the whole. */
export function answerFile(
  c: Context,
  { name, type }: FileKind,
  texts: AsyncIterable<string>,
  onError: OnFileError,
): Response {
  c.header("content-type", type);
  c.header("content-disposition", `attachment; filename="${name}"`);
  c.header("cache-control", "no-store");
  return c.body(ReadableStream.from(encode(texts, onError)) as ReadableStream<Uint8Array<ArrayBuffer>>);
}

async function* encode(texts: AsyncIterable<string>, onError: OnFileError): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  try {
    for await (const text of texts) if (text !== "") yield encoder.encode(text);
  } catch (err) {
    onError(err);
    // The server prints what is thrown, which must not be what Postgres says.
    throw new Error("the download failed");
  }
}

export const CSV_TYPE = "text/csv; charset=utf-8";

/** Excel reads a file that does not begin with it as Latin-1. */
export const BYTE_ORDER_MARK = "\uFEFF";

/** Spreadsheets take a cell that begins with one of these as a formula. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/u;

/** Returns a line of CSV (RFC 4180) of which no cell is a formula. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(quote).join(",")}\r\n`;
}

function quote(cell: string): string {
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return `"${text.replaceAll('"', '""')}"`;
}
