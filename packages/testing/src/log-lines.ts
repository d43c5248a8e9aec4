/** A line of a service's log, parsed. */
export interface LogLine {
  readonly level: string;
  readonly code?: string;
  readonly port?: number;
  readonly opsPort?: number;
  readonly [field: string]: unknown;
}

/** What a logger has written: pass it to `createLogger` as its `destination`. */
export interface LogLines {
  write(text: string): void;
  /** All that was written so far. */
  text(): string;
  lines(): LogLine[];
  /** Returns the lines with this code. */
  logged(code: string): LogLine[];
}

export function captureLog(): LogLines {
  const written: string[] = [];
  const lines = () => written.map((line) => JSON.parse(line) as LogLine);
  return {
    write: (text) => void written.push(text),
    text: () => written.join(""),
    lines,
    logged: (code) => lines().filter((line) => line.code === code),
  };
}
