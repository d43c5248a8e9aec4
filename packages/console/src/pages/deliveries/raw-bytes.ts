/** Bytes that are shown, with one place in them that is marked. */
export interface RawBytes {
  readonly before: string;
  /** Empty if no place is marked. */
  readonly marked: string;
  readonly after: string;
  /** What is shown, in words. */
  readonly note: string;
}

/** Characters that are shown before a marked place, if not all of them are. */
const LEAD = 1_000;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Shows bytes as text; bytes that are no UTF-8 in hexadecimal.
 *
 * @param position of the marked character; `undefined` if it is not known
 * @param room how many characters are shown at most
 */
export function rawBytes(body: Buffer, position: number | undefined, room: number): RawBytes {
  const text = decode(body);
  if (text === undefined) return hexDump(body, room);
  const start = position !== undefined && text.length > room ? Math.max(0, position - LEAD) : 0;
  const shown = text.slice(start, start + room);
  const at = position === undefined ? shown.length : position - start;
  const note =
    shown.length === text.length
      ? "All of it."
      : `Characters ${start + 1} to ${start + shown.length} of ${text.length}.`;
  return { before: shown.slice(0, at), marked: shown.slice(at, at + 1), after: shown.slice(at + 1), note };
}

function decode(body: Buffer): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}

const ROW = 16;
/** Characters of a row: its offset, the bytes in hexadecimal and as ASCII. */
const ROW_LENGTH = 10 + 3 * ROW + 1 + ROW + 1;

function hexDump(body: Buffer, room: number): RawBytes {
  const rows = Math.floor(room / ROW_LENGTH);
  const wrong = findInvalid(body);
  const start = Math.max(0, Math.floor(wrong / ROW) - 8) * ROW;
  const shown = body.subarray(start, start + rows * ROW);
  const row = (offset: number) =>
    formatRow(offset, body.subarray(offset, Math.min(offset + ROW, start + shown.length)));
  const offsets = Array.from({ length: Math.ceil(shown.length / ROW) }, (_, n) => start + n * ROW);
  const marked = wrong - (wrong % ROW);
  return {
    before: offsets
      .filter((offset) => offset < marked)
      .map(row)
      .join(""),
    marked: row(marked),
    after: offsets
      .filter((offset) => offset > marked)
      .map(row)
      .join(""),
    note: `No UTF-8: byte ${wrong} is the first that is wrong. Bytes ${start} to ${start + shown.length - 1} of ${body.length}.`,
  };
}

function formatRow(offset: number, bytes: Buffer): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const ascii = bytes.toString("latin1").replaceAll(/[^ -~]/g, ".");
  return `${offset.toString(16).padStart(8, "0")}  ${hex.padEnd(3 * ROW - 1)}  ${ascii}\n`;
}

/** Returns where the first byte is that is no UTF-8: there, the text that is decoded encodes to other bytes. */
function findInvalid(body: Buffer): number {
  const again = Buffer.from(body.toString());
  const at = body.findIndex((byte, n) => byte !== again[n]);
  return at === -1 ? 0 : at;
}
