import type { DiscardResult } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT } from "../../console-client.ts";
import { print, printJson } from "../../terminal/print.ts";
import { formatCount } from "../../terminal/table.ts";
import { formatExitCodes, joinParagraphs, reportResult } from "../command.ts";
import { conclude, createDecisionCommand, decide, warn, type DecisionOptions } from "./decide.ts";

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
  const decided = await decide<DiscardResult>("discard", deliveryIds, options);
  if (!decided.ok) return decided;
  const answers = decided.value;
  const discarded = answers.reduce((sum, answer) => sum + answer.discarded, 0);
  const jobsLeft = answers.reduce((sum, answer) => sum + (answer.dryRun ? 0 : answer.jobsLeft), 0);
  const { dryRun = false } = options;
  if (options.json) printJson(dryRun ? { dryRun, discarded } : { discarded, jobsLeft });
  else print(`${formatCount(discarded)} ${dryRun ? "would be discarded" : "discarded"}`);
  if (jobsLeft > 0) {
    warn(`up to ${formatCount(jobsLeft)} of them still have a job in the queue, which has no effect`);
  }
  const missed = answers.flatMap(({ notDeadLettered = [] }) => notDeadLettered);
  return conclude(discarded, deliveryIds, missed);
}
