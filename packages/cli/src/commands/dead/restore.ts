import type { RestoreResult } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT } from "../../console-client.ts";
import { print, printJson } from "../../terminal/print.ts";
import { formatCount } from "../../terminal/table.ts";
import { formatExitCodes, joinParagraphs, reportResult } from "../command.ts";
import { conclude, createDecisionCommand, decide, type DecisionOptions } from "./decide.ts";

export const restoreCommand = createDecisionCommand("restore")
  .summary("undo discards")
  .description(
    joinParagraphs(
      "Makes discarded deliveries dead letters again, to be redriven or discarded. Options select discarded ones.",
      CONSOLE_ENVIRONMENT,
    ),
  )
  .addHelpText(
    "after",
    formatExitCodes({
      success: "all selected are dead letters again",
      failure: "one that was named is not discarded, or none matches",
    }),
  )
  .action(async (deliveryIds, options) => reportResult(await restore(deliveryIds, options)));

async function restore(deliveryIds: readonly string[], options: DecisionOptions): Promise<Result<void>> {
  const decided = await decide<RestoreResult>("restore", deliveryIds, options);
  if (!decided.ok) return decided;
  const restored = decided.value.reduce((sum, answer) => sum + answer.restored, 0);
  const { dryRun = false } = options;
  if (options.json) printJson({ ...(dryRun && { dryRun }), restored });
  else print(`${formatCount(restored)} ${dryRun ? "would be restored" : "restored"}`);
  const missed = decided.value.flatMap(({ notDiscarded = [] }) => notDiscarded);
  return conclude(restored, deliveryIds, missed, "discarded");
}
