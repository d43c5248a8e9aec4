import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import { describeError } from "./error.ts";
import { version } from "./version.ts";

export type { Logger } from "pino";

export interface LoggerOptions {
  /** The service's name, on every line. */
  readonly service: string;
  /** The least level that is written: the variable LOG_LEVEL. */
  readonly level: string;
  /** Where lines go. By default stdout, written at once, so that a fatal line outlives its process. */
  readonly destination?: DestinationStream;
}

/**
 * Makes a logger of JSON lines: level by name, ISO time, service, version. Give it ids and counts,
 * nothing of a person. Errors go in as `{ err }` and come out as `describeError` has them; names
 * that hold secrets or personal data are masked, as a second line of defence.
 */
export function createLogger({ service, level, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service, version },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => describeError(error) },
      redact: { paths: MASKED.flatMap((name) => [name, `*.${name}`]), censor: "[masked]" },
      hooks: {
        logMethod(given, write) {
          write.apply(this, withMessage(given));
        },
      },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

const MASKED = [
  "authorization",
  "cookie",
  "headers",
  "password",
  "secret",
  "secrets",
  "token",
  "body",
  "data",
  "email",
  "entity",
  "payload",
  "detail",
  "parameters",
  "query",
  "where",
];

/** Without a message of the caller's, pino would take the error's own, past the serializer. */
function withMessage(given: Parameters<Logger["info"]>): Parameters<Logger["info"]> {
  const [subject, message] = given;
  const error = subject instanceof Error ? subject : errorIn(subject);
  return error === undefined || message !== undefined
    ? given
    : [{ err: error }, describeError(error).message];
}

function errorIn(subject: unknown): unknown {
  return typeof subject === "object" && subject !== null && "err" in subject ? subject.err : undefined;
}
