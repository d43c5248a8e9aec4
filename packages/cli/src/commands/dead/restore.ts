import type { RestoreResult } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT } from "../../console-client.ts";
import { print, printJson } from "../../terminal/print.ts";
import { formatCount } from "../../terminal/table.ts";
import { formatExitCodes, joinParagraphs, reportResult } from "../command.ts";
import {
  conclude,
  createDecisionCommand,
  decide,
  dryRun,
  type Decided,
  type DecisionOptions,
} from "./decide.ts";

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
  if (options.dryRun) {
    const answer = await dryRun<RestoreResult>("restore", deliveryIds, options);
    if (!answer.ok) return answer;
    const { decided: restored, missed } = readAnswer(answer.value);
    if (options.json) printJson({ dryRun: true, restored });
    else print(`${formatCount(restored)} would be restored`);
    return conclude({ decided: restored, missed }, "discarded");
  }
  const done = await decide("restore", deliveryIds, options, readAnswer);
  if (!done.ok) return done;
  const { decided: restored } = done.value;
  if (options.json) printJson({ restored });
  else print(`${formatCount(restored)} restored`);
  return conclude(done.value, "discarded");
}

function readAnswer({ restored, notDiscarded = [] }: RestoreResult): Decided {
  return { decided: restored, queueMissed: 0, missed: notDiscarded };
}
