import { diffJson, type JsonObject } from "@dossier/events";
import type { Result } from "@dossier/service";
import { formatCount } from "../../terminal/table.ts";

/** What the console answers to a dry run of a redrive. Of persons and failing deliveries it lists 1,000 at most. */
export interface RedriveDryRun {
  readonly dryRun: true;
  /** How many deliveries would have each outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly persons: readonly PersonChange[];
  readonly failing: readonly FailingDelivery[];
}

interface PersonChange {
  readonly entityId: string;
  /** `null` if the person is not known yet. */
  readonly before: JsonObject | null;
  readonly after: JsonObject;
}

type FailingDelivery = { readonly deliveryId: string } & (
  | { readonly outcome: "dead-lettered"; readonly reason: string; readonly message: string }
  | { readonly outcome: "failed"; readonly error: { readonly message: string } }
  | { readonly outcome: "not-dead-lettered" }
);

/** Adds up the dry runs of deliveries that were named one by one. */
export function mergeDryRuns(dryRuns: readonly RedriveDryRun[]): RedriveDryRun {
  const outcomes: Record<string, number> = {};
  for (const [outcome, count] of dryRuns.flatMap((dryRun) => Object.entries(dryRun.outcomes))) {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  return {
    dryRun: true,
    outcomes,
    persons: dryRuns.flatMap(({ persons }) => persons),
    failing: dryRuns.flatMap(({ failing }) => failing),
  };
}

/** A dry run fails if any delivery would, or if there is none. */
export function concludeDryRun({ outcomes }: RedriveDryRun): Result<void> {
  const { applied = 0, duplicate = 0, ...others } = outcomes;
  const failing = sum(others);
  if (failing > 0) return { ok: false, error: `${formatCount(failing)} would fail` };
  return applied + duplicate > 0
    ? { ok: true, value: undefined }
    : { ok: false, error: "no dead letter matches" };
}

/** Returns what would change for each person, which deliveries would fail, and the counts of outcomes. */
export function formatDryRun({ outcomes, persons, failing }: RedriveDryRun): string {
  const { applied: _, duplicate: __, ...others } = outcomes;
  const unlisted = sum(others) - failing.length;
  const counts = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${formatCount(count)}`);
  return [
    ...persons.map(formatPersonChange),
    ...failing.map(formatFailure),
    ...(unlisted > 0 ? [`… and ${formatCount(unlisted)} more would fail`] : []),
    `dry run, nothing changed: ${counts.join(", ") || "no deliveries"}`,
  ].join("\n");
}

/** A new person is compared with nothing, of which every field counts as `null`. */
function formatPersonChange({ entityId, before, after }: PersonChange): string {
  const lines = diffJson(before ?? {}, after).flatMap((difference) => {
    const [old, now] = [difference.before ?? null, difference.after ?? null];
    return old === now ? [] : [`  ${difference.path}: ${JSON.stringify(old)} → ${JSON.stringify(now)}`];
  });
  return [`${entityId}${before === null ? " (new)" : ""}`, ...lines].join("\n");
}

function formatFailure(failure: FailingDelivery): string {
  switch (failure.outcome) {
    case "dead-lettered":
      return `${failure.deliveryId} would fail: ${failure.reason}: ${failure.message}`;
    case "failed":
      return `${failure.deliveryId} would fail: ${failure.error.message}`;
    case "not-dead-lettered":
      return `${failure.deliveryId} is not a dead letter`;
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
