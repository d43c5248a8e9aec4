/**
 * The variables that more than one service reads. The description of each is printed when the variable is missing or
 * wrong, and must agree with the README's table.
 */
import { z } from "zod";

/** Returns the variable of a port to listen on; each service has its own default. */
export const port = (defaultPort: number) =>
  integer({ from: 0, to: 65_535 })
    .default(defaultPort)
    .meta({ shown: true, description: "The TCP port to listen on; 0 means any free one." });

export const LOG_LEVEL = z
  .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
    error: "must be one of fatal, error, warn, info, debug, trace, silent",
  })
  .default("info")
  .meta({
    shown: true,
    description: "The lowest level that is logged. debug and trace write a line for each delivery.",
  });

export const DATABASE_URL = url("postgres:", "postgresql:").describe(
  "The Postgres that keeps the record: postgres://user:password@host:5432/database, with special characters percent-encoded.",
);

export const REDIS_URL = url("redis:", "rediss:")
  .optional()
  .describe(
    "The Redis that the queue runs on: redis://host:6379, or rediss:// for TLS. Not set: the queue runs in DATABASE_URL's Postgres, at less than a tenth of the rate.",
  );

export const ICOMPLY_WEBHOOK_SECRETS = z
  .string()
  .transform((list) => list.split(",").map((secret) => secret.trim()))
  .refine((secrets) => secrets.every((secret) => secret !== ""), {
    error: "must be one or more secrets, separated by commas, none of them empty",
  })
  .describe(
    "The webhook secrets shown by iComply, comma separated; a delivery that any of them verifies is accepted. To rotate, add the new one, and remove the old one later.",
  );

export const DOSSIER_API_TOKEN = z
  .string()
  .optional()
  .describe("The bearer token of the console's API. Not set: the console serves this machine only.");

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
