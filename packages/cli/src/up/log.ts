import { openSync, writeSync } from "node:fs";
import { styleText } from "node:util";
import { createLogger, type Logger } from "@dossier/service";
import { escapeControls } from "../terminal/print.ts";

/** Returns a service's logger. */
export type CreateLogger = (service: string) => Logger;

interface LogLine {
  readonly level: string;
  readonly service: string;
  readonly msg: string;
  readonly err?: { readonly message: string };
  readonly [field: string]: unknown;
}

const COLOURS: Readonly<Record<string, "yellow" | "red">> = { warn: "yellow", error: "red", fatal: "red" };

/** Opens a log file. Warnings and errors are shown on stderr as well. */
export function openLog(file: string, level: string): CreateLogger {
  const fd = openSync(file, "a", 0o600);
  const destination = {
    write(line: string) {
      writeSync(fd, line);
      const shown = formatForTerminal(JSON.parse(line) as LogLine);
      if (shown !== undefined) process.stderr.write(`${shown}\n`);
    },
  };
  return (service) => createLogger({ service, level, destination });
}

/** Returns nothing for a line below warning. Shows the error's message, and the fields that are no objects. */
function formatForTerminal(line: LogLine): string | undefined {
  const { level, service, msg, err, time: _, version: __, code: ___, ...fields } = line;
  const colour = COLOURS[level];
  if (colour === undefined) return undefined;
  const label = styleText(colour, level, { stream: process.stderr });
  const facts = Object.entries(fields).filter(([, value]) => typeof value !== "object");
  const details = [
    ...(err ? [err.message] : []),
    ...facts.map(([name, value]) => `${name} ${String(value)}`),
  ];
  const text = `${service}: ${msg}${details.length === 0 ? "" : ` (${details.join(", ")})`}`;
  return `${label} ${escapeControls(text)}`;
}
