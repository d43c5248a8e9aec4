import type { DeliveryHistoryAnswer } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole } from "../console-client.ts";
import { print, printJson } from "../terminal/print.ts";
import { createCommand, formatExitCodes, joinParagraphs, parseDeliveryId, reportResult } from "./command.ts";
import { formatHistory } from "./delivery-history.ts";

export const deliveryCommand = createCommand("delivery")
  .summary("show everything about a delivery")
  .description(
    joinParagraphs(
      `Shows the history of any delivery, whatever became of it: its outcome, every failed attempt, every dead letter,
      what operators decided, and the exact bytes, which hold personal data.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .argument("<deliveryId>", "the delivery", parseDeliveryId)
  .option("--json", "print it as JSON; the bytes as text and in base64")
  .addHelpText(
    "after",
    formatExitCodes({
      success: "it is printed",
      failure: "there is no such delivery, or it could not be read",
    }),
  )
  .action(async (deliveryId, { json = false }) =>
    reportResult(await showHistory(`deliveries/${deliveryId}`, json)),
  );

/** Prints the history of a delivery that the console answers at this path. */
export async function showHistory(path: string, json: boolean): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const history = await client.value.get<DeliveryHistoryAnswer>(path);
  if (json) printJson(history);
  else print(...formatHistory(history));
  return { ok: true, value: undefined };
}
