import type { RedriveDryRun, RedriveResult } from "@dossier/console";
import { diffJson } from "@dossier/events";
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
import { sumCounts } from "./select.ts";

export const redriveCommand = createDecisionCommand("redrive")
  .summary("give dead letters new attempts, or find out what these would do")
  .description(
    joinParagraphs(
      `Reopens dead letters with all their attempts, and enqueues each in a job of its own. With --dry-run, runs them
      through the console's code in a transaction that is rolled back, and shows what would change for each person and
      what would fail.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .addHelpText(
    "after",
    formatExitCodes({
      success: "all selected are open again; dry run: all would be settled",
      failure: "one that was named is not a dead letter, or none matches; dry run: one would fail",
    }),
  )
  .action(async (deliveryIds, options) => reportResult(await redrive(deliveryIds, options)));

async function redrive(deliveryIds: readonly string[], options: DecisionOptions): Promise<Result<void>> {
  if (options.dryRun) {
    const answer = await dryRun<RedriveDryRun>("redrive", deliveryIds, options);
    if (!answer.ok) return answer;
    if (options.json) printJson(answer.value);
    else print(...formatDryRun(answer.value));
    return concludeDryRun(answer.value);
  }
  const done = await decide("redrive", deliveryIds, options, readAnswer);
  if (!done.ok) return done;
  const { decided: redriven, queueMissed: notEnqueued } = done.value;
  if (options.json) printJson({ redriven, notEnqueued });
  else print(`${formatCount(redriven)} redriven`);
  if (notEnqueued > 0) {
    warn(`up to ${formatCount(notEnqueued)} of them are not in the queue yet; the sweeper enqueues them`);
  }
  return conclude(done.value);
}

function readAnswer(answer: Extract<RedriveResult, { dryRun: false }>): Decided {
  const { redriven, notEnqueued, notDeadLettered = [] } = answer;
  return { decided: redriven, queueMissed: notEnqueued, missed: notDeadLettered };
}

type PersonChange = RedriveDryRun["persons"][number];
type UnsettledDelivery = RedriveDryRun["unsettled"][number];

/** A dry run fails if any delivery would, or if there is none. */
function concludeDryRun({ outcomes }: RedriveDryRun): Result<void> {
  const { applied = 0, duplicate = 0, ...others } = outcomes;
  const unsettled = sumCounts(others);
  if (unsettled > 0) return { ok: false, error: `${formatCount(unsettled)} would fail` };
  return applied + duplicate > 0
    ? { ok: true, value: undefined }
    : { ok: false, error: "no dead letter matches" };
}

/** Returns what would change for each person, which deliveries would fail, and the counts of outcomes. */
function formatDryRun(answer: RedriveDryRun): readonly string[] {
  const { outcomes, notRun, persons, personsOmitted, unsettled } = answer;
  const { applied: _, duplicate: __, ...others } = outcomes;
  const unlisted = sumCounts(others) - unsettled.length;
  const counts = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${formatCount(count)}`);
  return [
    ...persons.flatMap(formatPersonChange),
    ...(personsOmitted > 0 ? [`… and ${formatCount(personsOmitted)} more persons may change`] : []),
    ...unsettled.map(formatFailure),
    ...(unlisted > 0 ? [`… and ${formatCount(unlisted)} more would fail`] : []),
    ...(notRun > 0 ? [`… and ${formatCount(notRun)} earlier dead letters were not run`] : []),
    `dry run, nothing changed: ${counts.join(", ") || "no deliveries"}`,
  ];
}

/** A new person is compared with nothing, of which every field counts as `null`. */
function formatPersonChange({ entityId, before, after }: PersonChange): readonly string[] {
  const lines = diffJson(before ?? {}, after).flatMap((difference) => {
    const [old, now] = [difference.before ?? null, difference.after ?? null];
    return old === now ? [] : [`  ${difference.path}: ${JSON.stringify(old)} → ${JSON.stringify(now)}`];
  });
  return [`${entityId}${before === null ? " (new)" : ""}`, ...lines];
}

function formatFailure(failure: UnsettledDelivery): string {
  switch (failure.outcome) {
    case "dead-lettered":
      return `${failure.deliveryId} would fail: ${failure.reason}: ${failure.message}`;
    case "failed":
      return `${failure.deliveryId} would fail: ${failure.error.message}`;
    case "not-dead-lettered":
      return `${failure.deliveryId} is not a dead letter`;
  }
}
