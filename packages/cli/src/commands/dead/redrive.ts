import type { RedriveDryRun, RedriveResult } from "@dossier/console";
import { diffJson } from "@dossier/events";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT } from "../../console-client.ts";
import { print, printJson } from "../../terminal/print.ts";
import { formatCount } from "../../terminal/table.ts";
import { formatExitCodes, joinParagraphs, reportResult } from "../command.ts";
import { conclude, createDecisionCommand, decide, warn, type DecisionOptions } from "./decide.ts";
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
  const decided = await decide<RedriveResult>("redrive", deliveryIds, options);
  if (!decided.ok) return decided;
  const answers = decided.value;
  if (options.dryRun) {
    const dryRun = mergeDryRuns(answers.filter((answer) => answer.dryRun));
    if (options.json) printJson(dryRun);
    else print(...formatDryRun(dryRun));
    return concludeDryRun(dryRun);
  }
  const done = answers.filter((answer) => !answer.dryRun);
  const redriven = done.reduce((sum, answer) => sum + answer.redriven, 0);
  const notEnqueued = done.reduce((sum, answer) => sum + answer.notEnqueued, 0);
  if (options.json) printJson({ redriven, notEnqueued });
  else print(`${formatCount(redriven)} redriven`);
  if (notEnqueued > 0) {
    warn(`up to ${formatCount(notEnqueued)} of them are not in the queue yet; the sweeper enqueues them`);
  }
  const missed = done.flatMap(({ notDeadLettered = [] }) => notDeadLettered);
  return conclude(redriven, deliveryIds, missed);
}

/** Persons, and unsettled deliveries, that are listed at most. */
const LISTED = 1_000;

type PersonChange = RedriveDryRun["persons"][number];
type UnsettledDelivery = RedriveDryRun["unsettled"][number];

/** Adds up the dry runs of one request after the other. None saw what those before it would have done. */
function mergeDryRuns(dryRuns: readonly RedriveDryRun[]): RedriveDryRun {
  const outcomes: Record<string, number> = {};
  for (const [outcome, count] of dryRuns.flatMap((dryRun) => Object.entries(dryRun.outcomes))) {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  return {
    dryRun: true,
    outcomes,
    persons: dryRuns.flatMap(({ persons }) => persons).slice(0, LISTED),
    personsOmitted: dryRuns.reduce((sum, { personsOmitted }) => sum + personsOmitted, 0),
    unsettled: dryRuns.flatMap(({ unsettled }) => unsettled).slice(0, LISTED),
  };
}

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
function formatDryRun({ outcomes, persons, personsOmitted, unsettled }: RedriveDryRun): readonly string[] {
  const { applied: _, duplicate: __, ...others } = outcomes;
  const unlisted = sumCounts(others) - unsettled.length;
  const counts = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${formatCount(count)}`);
  return [
    ...persons.flatMap(formatPersonChange),
    ...(personsOmitted > 0 ? [`… and ${formatCount(personsOmitted)} more persons may change`] : []),
    ...unsettled.map(formatFailure),
    ...(unlisted > 0 ? [`… and ${formatCount(unlisted)} more would fail`] : []),
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
