import { openSync, writeSync } from "node:fs";
import { styleText } from "node:util";
import { createLogger, type Logger } from "@dossier/service";

export type LoggerOf = (service: string) => Logger;

interface Line {
  readonly level: string;
  readonly service: string;
  readonly msg: string;
  readonly err?: { readonly message: string };
}

/** Loggers that write everything to a file, and show a person only what may need one. */
export function openLog(file: string, level: string): LoggerOf {
  const fd = openSync(file, "a", 0o600);
  const destination = {
    write(line: string) {
      writeSync(fd, line);
      const shown = forPerson(JSON.parse(line) as Line);
      if (shown !== undefined) process.stderr.write(`${shown}\n`);
    },
  };
  return (service) => createLogger({ service, level, destination });
}

function forPerson({ level, service, msg, err }: Line): string | undefined {
  const colour = COLOURS[level];
  if (colour === undefined) return undefined;
  const label = styleText(colour, level, { stream: process.stderr });
  return `${label} ${service}: ${msg}${err === undefined ? "" : ` (${err.message})`}`;
}

const COLOURS: Readonly<Record<string, "yellow" | "red">> = { warn: "yellow", error: "red", fatal: "red" };
