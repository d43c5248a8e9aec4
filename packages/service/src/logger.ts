import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import { describeError, describeUnexpected } from "./error.ts";
import { version } from "./version.ts";

export type { Logger } from "pino";

export interface LoggerOptions {
  /** The service's name, on every line. */
  readonly service: string;
  /** The lowest level that is written, as in LOG_LEVEL. */
  readonly level: string;
  /** Where lines are written. Default: stdout, synchronously, so that a fatal line is not lost with its process. */
  readonly destination?: DestinationStream;
}

/**
 * Returns a logger of JSON lines: level by name, ISO time, service, version. A line is a fixed message, a stable
 * `code` and facts as fields: ids and counts, no personal data. Errors are passed as `{ err }` and written as
 * `describeError` returns them; those that nobody expected as `{ unexpected }`, for `describeUnexpected`. Fields whose names suggest secrets or personal data are masked, as a second defence.
 */
export function createLogger({ service, level, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service, version },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, unexpected: describeUnexpected },
      redact: { paths: MASKED.flatMap((name) => [name, `*.${name}`]), censor: "[masked]" },
      hooks: {
        logMethod(args, write) {
          write.apply(this, withMessage(args));
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

/** Without a message from the caller, pino would take the error's own, which the serializer never sees. */
function withMessage(args: Parameters<Logger["info"]>): Parameters<Logger["info"]> {
  const [subject, message] = args;
  const error = subject instanceof Error ? subject : errorOf(subject);
  return error === undefined || message !== undefined ? args : [{ err: error }, describeError(error).message];
}

function errorOf(subject: unknown): unknown {
  return typeof subject === "object" && subject !== null && "err" in subject ? subject.err : undefined;
}
