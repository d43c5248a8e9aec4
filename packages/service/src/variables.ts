/**
 * The variables that more than one service reads. The description of each is printed when the variable is missing or
 * wrong, and must agree with docs/configuration.md's table.
 */
import { z } from "zod";
import { trimValue } from "./config.ts";

/** Returns the variable of a port to listen on; each service has its own default. */
export const port = (defaultPort: number) =>
  integer({ from: 0, to: 65_535 })
    .default(defaultPort)
    .meta({ shown: true, description: "The TCP port to listen on; 0 means any free one." });

/** Returns the variable of the port of probes and metrics; each service has its own default. */
export const opsPort = (defaultPort: number) =>
  port(defaultPort).meta({
    shown: true,
    description:
      "The TCP port of /metrics and of /readyz with details; never publish it. 0 means any free one.",
  });

export const OPS_HOST = z.string().default("127.0.0.1").meta({
  shown: true,
  description: "The address that OPS_PORT listens on; 0.0.0.0 means every one of the machine's.",
});

export const KEEP_ALIVE_SECONDS = integer({ from: 1, to: 3_600, unit: "seconds" }).default(65).meta({
  shown: true,
  description:
    "How long an idle connection stays open for its next request. Set it above the idle timeout of the load balancer (mostly 60, Google's 600), which else sends requests on connections that are just closing.",
});

export const DRAIN_SECONDS = integer({ from: 0, to: 600, unit: "seconds" }).default(0).meta({
  shown: true,
  description:
    "How long /readyz is 503 after SIGTERM before the port closes. Set it above the time that the load balancer takes to notice.",
});

export const LOG_LEVEL = z
  .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
    error: "must be one of fatal, error, warn, info, debug, trace, silent",
  })
  .default("info")
  .meta({
    shown: true,
    description:
      "The lowest level that is logged. info sums up deliveries each minute; debug and trace write a line for each.",
  });

export const OTEL_EXPORTER_OTLP_ENDPOINT = z
  .url({ protocol: /^https?$/, error: "must be a URL that begins with http:// or https://" })
  .optional()
  .describe(
    "Where traces are sent, by OTLP over HTTP, such as http://collector:4318. Not set: nothing is traced.",
  );

export const DATABASE_URL = url("postgres:", "postgresql:")
  .refine((text) => isKeptBySaslprep(passwordOf(text)), {
    error:
      "must have a password that Postgres takes as it is (SASLprep), without ligatures, full-width letters, unusual blanks and the like",
  })
  .describe(
    "The Postgres that keeps the record: postgres://user:password@host:5432/database, with special characters percent-encoded.",
  );

/**
 * Returns the variable of the queue's Redis.
 *
 * @param findMistake says what is wrong with a URL, as the end of a sentence that quotes nothing of it
 */
export const redisUrl = (findMistake: (url: string) => string | undefined) =>
  z
    .string()
    .superRefine((url, context) => {
      const message = findMistake(url);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .optional()
    .describe(
      "The Redis that the queue runs on: redis://user:password@host:6379/0, redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/MASTER; rediss instead of redis for TLS. Not set: the queue runs in DATABASE_URL's Postgres, at less than a tenth of the rate.",
    );

/**
 * The least characters of a webhook secret. Secrets are masked wherever they stand in a webhook, and a short one stands
 * in names, times and e-mail addresses too.
 */
const MIN_SECRET_LENGTH = 16;

export const ICOMPLY_WEBHOOK_SECRETS = z
  .string()
  .transform((list) => list.split(",").map(trimValue))
  .refine((secrets) => secrets.every((secret) => secret.length >= MIN_SECRET_LENGTH), {
    error: `must be one or more secrets, separated by commas, each of at least ${MIN_SECRET_LENGTH} characters`,
  })
  .describe(
    "The webhook secrets shown by iComply, comma separated; a delivery that any of them verifies is accepted. To rotate, add the new one, and remove the old one later.",
  );

export const DOSSIER_API_TOKEN = z
  .string()
  .refine((token) => /^[\x21-\x7e]+$/.test(token), {
    error: "must be ASCII characters without blanks, as it is sent in a header",
  })
  .optional()
  .describe(
    "The first bearer token of the console's API: an admin's, named bootstrap. Without it and any of `dossier token create`, the console is read-only and serves this machine only.",
  );

export const CONSOLE_URL = z
  .url({ protocol: /^https?$/, error: "must be a URL that begins with http:// or https://" })
  .optional()
  .meta({
    shown: true,
    description:
      "Where people and programs reach the console, such as https://dossier.example.com. With https, its session cookies are Secure.",
  });

/** The steps before a person's approval. That none is missing, the console's types check. */
const WAITING_STEPS = ["pending", "id-upload-started", "id-uploaded", "documents-uploaded"] as const;
const MAX_STUCK_HOURS = 8_760;

export const STUCK_AFTER_HOURS = z
  .string()
  .default(WAITING_STEPS.map((step) => `${step}=72`).join())
  .transform((list, context): Readonly<Record<(typeof WAITING_STEPS)[number], number>> => {
    const entries = list
      .split(",")
      .map((entry) => /^ *([a-z-]+) *= *(\d{1,4}) *$/.exec(entry)?.slice(1) ?? []);
    const hours = Object.fromEntries(entries.map(([step = "", number]) => [step, Number(number)]));
    const isValid = (value = 0) => value >= 1 && value <= MAX_STUCK_HOURS;
    const isComplete = WAITING_STEPS.every((step) => isValid(hours[step]));
    if (isComplete && entries.length === WAITING_STEPS.length)
      return hours as Record<(typeof WAITING_STEPS)[number], number>;
    context.addIssue({
      code: "custom",
      message: `must be STEP=HOURS, separated by commas, once for each of ${WAITING_STEPS.join(", ")}, with 1 to ${MAX_STUCK_HOURS} hours`,
    });
    return z.NEVER;
  })
  .meta({
    shown: true,
    description:
      "After how many hours without an event the console's worklist lists a person as stuck in a step. Fewer hours list more persons, each of whom takes somebody's time.",
  });

export const MAX_BODY_BYTES = integer({ from: 1, to: 64 * 1024 * 1024, unit: "bytes" })
  .default(1024 * 1024)
  .meta({
    shown: true,
    description:
      "The longest webhook body that is accepted, in bytes; a longer one is answered 413. Each request in flight may use that much memory.",
  });

export const WORKER_CONCURRENCY = integer({ from: 1, to: 1_000, unit: "jobs" }).default(64).meta({
  shown: true,
  description:
    "The jobs that one worker has in flight; their deliveries share transactions. More jobs make larger transactions, which are faster but use more memory and lock more persons at the same time.",
});

export const MAX_ATTEMPTS = integer({ from: 1, to: 100, unit: "attempts" }).default(8).meta({
  shown: true,
  description:
    "The attempts that a failing delivery has before it becomes a dead letter; outages use none. More attempts mean that an operator sees it later.",
});

function passwordOf(text: string): string {
  const password = URL.parse(text)?.password ?? "";
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}

/** SASLprep (RFC 4013) makes a blank of these, or drops them. */
const BLANK_OR_IGNORED = /[\p{Zs}\p{Default_Ignorable_Code_Point}]/u;

/** Whether every client and server derives the same key from a password: not all of them apply SASLprep, nor alike. */
function isKeptBySaslprep(password: string): boolean {
  const withoutBlanks = password.replaceAll(" ", "");
  return !BLANK_OR_IGNORED.test(withoutBlanks) && password.normalize("NFKC") === password;
}

function integer({ from, to, unit }: { from: number; to: number; unit?: string }) {
  const rule = `must be a whole number from ${from} to ${to}${unit === undefined ? "" : ` ${unit}`}`;
  return z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= from && Number(text) <= to, {
      error: rule,
    })
    .transform(Number);
}

function url(...protocols: readonly string[]) {
  return z.string().refine((text) => protocols.includes(URL.parse(text)?.protocol ?? ""), {
    error: `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
  });
}
