import { DEAD_LETTER_REASONS } from "@dossier/events";
import type { DeliveryHistory } from "@dossier/store";
import { z } from "zod";
import { maskError } from "../masking/mask.ts";
import { count, utc } from "./answers.ts";
import type { Readable } from "./operation.ts";
import { maskBody } from "./personal-data.ts";

export const deliveryStatus = z
  .enum(["open", "applied", "duplicate", "dead-lettered", "discarded"])
  .describe("`open` until it is settled, and again after a redrive.");

/** What an event is known by, of a delivery whose bytes may say nothing. */
export const identity = z.object({
  event: z.string().nullable().describe("The event's type; `null` if it could not be parsed."),
  id: z.string().nullable().describe("The event's id; `null` if it could not be parsed."),
  entityId: z.string().nullable().describe("The person's id; `null` if it could not be parsed."),
});

/** What an open delivery came to so far. */
export const attempts = z.object({
  attempts: count.describe("Attempts used since it was opened. Outages and snoozes use none."),
  stalls: count.describe("How often a worker began to settle it alone since an attempt last ended."),
  nextAttemptBy: utc.describe("When it is enqueued again, unless a job of its own settles it before."),
  snoozedUntil: utc.nullable().describe("`null` unless its last attempt ended in a snooze."),
  lastError: z
    .string()
    .nullable()
    .describe("Class, code and message of the error of the last attempt or snooze."),
});

export const deadLetter = z.object({
  reason: z.enum(DEAD_LETTER_REASONS),
  message: z.string(),
  ...identity.shape,
  deadLetteredAt: utc,
  codeVersion: z.string().describe("The version of the code that dead-lettered it."),
});

const issue = z.object({ path: z.string(), message: z.string() });

const failedAttempt = z.object({
  attempt: z.int().min(1),
  failedAt: utc,
  error: z.string(),
  stack: z.string().nullable(),
  codeVersion: z.string(),
});

const decision = z.object({
  action: z.enum(["redrive", "discard", "restore"]),
  decidedBy: z.string().describe("The name of the token."),
  reason: z.string(),
  at: utc,
});

export const deliveryHistory = z
  .object({
    deliveryId: z.uuid(),
    status: deliveryStatus,
    ...identity.shape,
    receivedAt: utc,
    settledAt: utc.nullable().describe("`null` while it is open."),
    open: attempts.nullable().describe("What it came to so far; `null` once it is settled."),
    entry: z
      .object({ kind: z.enum(["event", "redelivery"]), seq: z.int().min(1) })
      .nullable()
      .describe("What it added to the person's log, and its number there; `null` if nothing."),
    body: z.object({
      base64: z.string().meta({ contentEncoding: "base64", description: "The exact bytes." }),
      text: z.string().describe("The same, decoded as UTF-8."),
    }),
    headers: z.record(z.string(), z.string()),
    verifiedBy: z.string(),
    secretFingerprint: z.string(),
    deadLetters: z.array(
      deadLetter.extend({ issues: z.array(issue).describe("Which fields of the payload are wrong.") }),
    ),
    failedAttempts: z.array(failedAttempt).describe("Since it was received, in order."),
    decisions: z.array(decision),
  })
  .describe("All that happened to a delivery.")
  .meta({ id: "DeliveryHistory" });

export type DeliveryHistoryAnswer = z.infer<typeof deliveryHistory>;

export function formatHistory({ body, ...history }: DeliveryHistory) {
  return { ...history, body: formatBody(body) };
}

function formatBody(body: Buffer) {
  return { base64: body.toString("base64"), text: body.toString("utf8") };
}

/** Whether its bytes may be what stopped a worker. What is in the log, a worker has parsed. */
export function mayStopWorkers({
  status,
  open,
  deadLetters,
}: Pick<DeliveryHistory, "status" | "open" | "deadLetters">): boolean {
  if (status === "applied" || status === "duplicate") return false;
  return (open?.stalls ?? 0) > 0 || deadLetters.some(({ reason }) => reason === "stalled");
}

/** An open delivery's attempts without the message of their last error. */
export function maskAttempts<Attempts extends Readable<z.infer<typeof attempts>>>(open: Attempts): Attempts {
  return { ...open, lastError: open.lastError && maskError(open.lastError) };
}

/** What of a delivery is personal data: its payload, and what errors say of it. */
export function personalHistory(history: Readable<DeliveryHistoryAnswer>) {
  return {
    subject: history.entityId ?? history.deliveryId,
    mask() {
      const body = Buffer.from(history.body.base64, "base64");
      return {
        ...history,
        open: history.open && maskAttempts(history.open),
        failedAttempts: history.failedAttempts.map((one) => ({
          ...one,
          error: maskError(one.error),
          stack: null,
        })),
        body: formatBody(maskBody(body, !mayStopWorkers(history))),
      };
    },
  };
}
