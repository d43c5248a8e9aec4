import { CONSOLE_ENVIRONMENT } from "../../console-client.ts";
import { createCommand, formatExitCodes, joinParagraphs, parseDeliveryId, reportResult } from "../command.ts";
import { showHistory } from "../delivery.ts";

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
  .action(async (deliveryId, { json = false }) =>
    reportResult(await showHistory(`dead-letters/${deliveryId}`, json)),
  );
