import { openSync, writeSync } from "node:fs";
import { styleText } from "node:util";
import { createLogger, type Logger } from "@dossier/service";

/** Returns a service's logger. */
export type CreateLogger = (service: string) => Logger;

interface LogLine {
  readonly level: string;
  readonly service: string;
  readonly msg: string;
  readonly err?: { readonly message: string };
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

function formatForTerminal({ level, service, msg, err }: LogLine): string | undefined {
  const colour = COLOURS[level];
  if (colour === undefined) return undefined;
  const label = styleText(colour, level, { stream: process.stderr });
  return `${label} ${service}: ${msg}${err === undefined ? "" : ` (${err.message})`}`;
}
