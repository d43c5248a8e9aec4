import type { DeliveryHistoryAnswer } from "@dossier/console";
import { formatCount } from "../terminal/table.ts";

/** Returns all that happened to a delivery, and its bytes, as lines. */
export function formatHistory(history: DeliveryHistoryAnswer): readonly string[] {
  const { deliveryId, status, receivedAt, verifiedBy, secretFingerprint, headers, body } = history;
  return [
    `delivery ${deliveryId}, now ${status}`,
    ...(history.event === null
      ? []
      : [`event ${history.event} ${history.id ?? ""} of person ${history.entityId ?? ""}`]),
    `received ${receivedAt}, verified by ${verifiedBy} (${secretFingerprint})`,
    ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`),
    ...formatOutcome(history),
    "",
    ...formatTimeline(history),
    `${formatCount(Buffer.byteLength(body.base64, "base64"))} bytes:`,
    // Indented, so that none looks like a line of this command.
    ...body.text.split("\n").map((line) => `  ${line}`),
  ];
}

function formatOutcome({ settledAt, entry, open }: DeliveryHistoryAnswer): readonly string[] {
  return [
    ...(settledAt === null ? [] : [`settled ${settledAt}`]),
    ...(entry === null ? [] : [`in the log as ${entry.kind}, number ${entry.seq} of the person`]),
    ...(open === null ? [] : formatAttempts(open)),
  ];
}

/** Returns what an open delivery came to so far, as lines. */
export function formatAttempts({
  attempts,
  stalls,
  snoozedUntil,
  nextAttemptBy,
  lastError,
}: NonNullable<DeliveryHistoryAnswer["open"]>): readonly string[] {
  return [
    `${attempts} attempts failed, the next one by ${nextAttemptBy}`,
    ...(snoozedUntil === null ? [] : [`snoozed until ${snoozedUntil}`]),
    ...(stalls > 0 ? [`${stalls} workers began it alone, and have not come to an end`] : []),
    ...(lastError === null ? [] : [`last error ${lastError}`]),
  ];
}

function formatTimeline({
  deadLetters,
  failedAttempts,
  decisions,
}: DeliveryHistoryAnswer): readonly string[] {
  const timeline = [
    ...deadLetters.map(({ deadLetteredAt, reason, message, issues, event, id, entityId, codeVersion }) => [
      `${deadLetteredAt}  dead-lettered, ${reason}: ${message} (code ${codeVersion})`,
      ...(event === null ? [] : [`    event ${event} ${id ?? ""} of ${entityId ?? ""}`]),
      ...issues.map((issue) => `    ${issue.path}: ${issue.message}`),
    ]),
    ...failedAttempts.map(({ failedAt, attempt, error, stack, codeVersion }) => [
      `${failedAt}  attempt ${attempt} failed: ${error} (code ${codeVersion})`,
      ...(stack === null ? [] : stack.split("\n")),
    ]),
    ...decisions.map(({ at, action, decidedBy, reason }) => [`${at}  ${action} by ${decidedBy}: ${reason}`]),
  ];
  if (timeline.length === 0) return [];
  // Each entry begins with its time, which sorts as text.
  return [...timeline.toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)).flat(), ""];
}
