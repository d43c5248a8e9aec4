import type { DeliveryHistoryAnswer } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole } from "../../console-client.ts";
import { formatCount } from "../../terminal/table.ts";
import { createCommand, formatExitCodes, joinParagraphs, parseDeliveryId, reportResult } from "../command.ts";

export const showCommand = createCommand("show")
  .summary("show everything about a dead letter")
  .description(
    joinParagraphs(
      `Shows the history of a delivery that was dead-lettered at least once, whatever became of it: why, every failed
      attempt, what operators decided, and the exact bytes, which hold personal data.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .argument("<deliveryId>", "the delivery", parseDeliveryId)
  .option("--json", "print it as JSON; the bytes as text and in base64")
  .addHelpText(
    "after",
    formatExitCodes({
      success: "it is printed",
      failure: "the delivery was never dead-lettered, or could not be read",
    }),
  )
  .action(async (deliveryId, { json = false }) => reportResult(await show(deliveryId, json)));

async function show(deliveryId: string, json: boolean): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const history = await client.value.get<DeliveryHistoryAnswer>(`dead-letters/${deliveryId}`);
  console.log(json ? JSON.stringify(history) : formatHistory(history));
  return { ok: true, value: undefined };
}

function formatHistory(history: DeliveryHistoryAnswer): string {
  const { deliveryId, status, receivedAt, verifiedBy, secretFingerprint, headers, body } = history;
  const timeline = [
    ...history.deadLetters.map(
      ({ deadLetteredAt, reason, message, issues, event, id, entityId, codeVersion }) => [
        `${deadLetteredAt}  dead-lettered, ${reason}: ${message} (code ${codeVersion})`,
        ...(event === null ? [] : [`    event ${event} ${id ?? ""} of ${entityId ?? ""}`]),
        ...issues.map((issue) => `    ${issue.path}: ${issue.message}`),
      ],
    ),
    ...history.failedAttempts.map(({ failedAt, attempt, error, stack, codeVersion }) => [
      `${failedAt}  attempt ${attempt} failed: ${error} (code ${codeVersion})`,
      ...(stack === null ? [] : [stack]),
    ]),
    ...history.decisions.map(({ at, action, decidedBy, reason }) => [
      `${at}  ${action} by ${decidedBy}: ${reason}`,
    ]),
  ];
  return [
    `delivery ${deliveryId}, now ${status}`,
    `received ${receivedAt}, verified by ${verifiedBy} (${secretFingerprint})`,
    ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`),
    "",
    // Each entry begins with its time, which sorts as text.
    ...timeline.map((lines) => lines.join("\n")).toSorted(),
    "",
    `${formatCount(Buffer.byteLength(body.base64, "base64"))} bytes:`,
    body.text,
  ].join("\n");
}
