/** Control characters, bidirectional controls and line separators: they could move the cursor, or forge a line. */
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * Returns a text that only shows, whoever wrote it: what could control a terminal is escaped as JSON escapes it. Escaping
 * twice changes nothing more.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(
    CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Prints lines to stdout, with their control characters escaped: a line feed too, so that no text forges a line. */
export function print(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${escapeControls(line)}\n`);
}

/** Prints a value to stdout as a line of JSON, for programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** As `print`, to stderr. */
export function printError(...lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`${escapeControls(line)}\n`);
}
