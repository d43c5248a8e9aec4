import type { DiscardResult } from "@dossier/console";
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
  warn,
  type Decided,
  type DecisionOptions,
} from "./decide.ts";

export const discardCommand = createDecisionCommand("discard")
  .summary("set dead letters aside")
  .description(
    joinParagraphs(
      `Discards dead letters: they are not listed again, and cannot be redriven. They stay readable with
      \`dossier dead show\`, are listed with \`dossier dead list --discarded\`, and \`dossier dead restore\` undoes it.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .addHelpText(
    "after",
    formatExitCodes({
      success: "all selected are discarded",
      failure: "one that was named is not a dead letter, or none matches",
    }),
  )
  .action(async (deliveryIds, options) => reportResult(await discard(deliveryIds, options)));

async function discard(deliveryIds: readonly string[], options: DecisionOptions): Promise<Result<void>> {
  if (options.dryRun) {
    const answer = await dryRun<DiscardResult>("discard", deliveryIds, options);
    if (!answer.ok) return answer;
    const { discarded, notDeadLettered: missed = [] } = answer.value;
    if (options.json) printJson({ dryRun: true, discarded });
    else print(`${formatCount(discarded)} would be discarded`);
    return conclude({ decided: discarded, missed });
  }
  const done = await decide("discard", deliveryIds, options, readAnswer);
  if (!done.ok) return done;
  const { decided: discarded, queueMissed: jobsLeft } = done.value;
  if (options.json) printJson({ discarded, jobsLeft });
  else print(`${formatCount(discarded)} discarded`);
  if (jobsLeft > 0) {
    warn(`up to ${formatCount(jobsLeft)} of them still have a job in the queue, which has no effect`);
  }
  return conclude(done.value);
}

function readAnswer(answer: Extract<DiscardResult, { dryRun: false }>): Decided {
  const { discarded, jobsLeft, notDeadLettered = [] } = answer;
  return { decided: discarded, queueMissed: jobsLeft, missed: notDeadLettered };
}
