import { diffJson, type JsonObject } from "@dossier/events";
import type { Result } from "@dossier/service";
import { formatCount } from "../../terminal/table.ts";

/** The API's answer to a redrive with `dryRun`. */
export interface DryRun {
  /** How many deliveries would have each outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The first 1,000 of them. */
  readonly items: readonly DryRunItem[];
}

type DryRunItem = { readonly deliveryId: string } & (
  | { readonly outcome: "applied" | "duplicate"; readonly change?: PersonChange }
  | { readonly outcome: "dead-lettered"; readonly reason: string; readonly message: string }
  | { readonly outcome: "failed"; readonly error: { readonly message: string } }
  | { readonly outcome: "not-dead-lettered" }
);

interface PersonChange {
  readonly entityId: string;
  /** `null` where the person is not known yet. */
  readonly before: JsonObject | null;
  readonly after: JsonObject;
}

interface FailingDelivery {
  readonly deliveryId: string;
  readonly error: string;
}

/** Prints what a redrive would change and which deliveries would fail. Fails if any would. */
export function reportDryRun(dryRuns: readonly DryRun[], json: boolean): Result<void> {
  const items = dryRuns.flatMap((dryRun) => dryRun.items);
  const outcomes = sumOutcomes(dryRuns);
  const persons = dryRuns.flatMap(changedPersons);
  const failing = items.flatMap(failureOf);
  if (json) console.log(JSON.stringify({ dryRun: true, outcomes, persons, failing }));
  else {
    for (const person of persons) console.log(formatChange(person));
    for (const { deliveryId, error } of failing) console.log(`${deliveryId} would fail: ${error}`);
    const total = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
    if (total > items.length)
      console.log(`… only the first ${formatCount(items.length)} deliveries are shown`);
    const counts = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${formatCount(count)}`);
    if (counts.length > 0) console.log(`dry run, nothing changed: ${counts.join(", ")}`);
  }
  const { applied = 0, duplicate = 0, ...others } = outcomes;
  const wouldFail = Object.values(others).reduce((sum, count) => sum + count, 0);
  if (wouldFail > 0) return { ok: false, error: `${formatCount(wouldFail)} would fail` };
  return applied + duplicate > 0
    ? { ok: true, value: undefined }
    : { ok: false, error: "no dead letter matches" };
}

function sumOutcomes(dryRuns: readonly DryRun[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { outcomes } of dryRuns) {
    for (const [outcome, count] of Object.entries(outcomes)) sums[outcome] = (sums[outcome] ?? 0) + count;
  }
  return sums;
}

/** Returns each person's first state and last state, where these differ. */
function changedPersons({ items }: DryRun): PersonChange[] {
  const changes = new Map<string, PersonChange>();
  for (const item of items) {
    if (!("change" in item)) continue;
    const earlier = changes.get(item.change.entityId);
    changes.set(
      item.change.entityId,
      earlier === undefined ? item.change : { ...item.change, before: earlier.before },
    );
  }
  return [...changes.values()].filter((change) => differences(change).length > 0);
}

function failureOf(item: DryRunItem): FailingDelivery[] {
  const { deliveryId } = item;
  switch (item.outcome) {
    case "applied":
    case "duplicate":
      return [];
    case "dead-lettered":
      return [{ deliveryId, error: `${item.reason}: ${item.message}` }];
    case "failed":
      return [{ deliveryId, error: item.error.message }];
    case "not-dead-lettered":
      return [{ deliveryId, error: "it is not a dead letter" }];
  }
}

function formatChange(change: PersonChange): string {
  const lines = differences(change).map(
    ({ path, before, after }) => `  ${path}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`,
  );
  return [`${change.entityId}${change.before === null ? " (new)" : ""}`, ...lines].join("\n");
}

/** What is not there counts as `null`, so that a new person shows only what is known. */
function differences({ before, after }: PersonChange) {
  return diffJson(before ?? {}, after)
    .map((difference) => ({
      path: difference.path,
      before: difference.before ?? null,
      after: difference.after ?? null,
    }))
    .filter((difference) => difference.before !== difference.after);
}
