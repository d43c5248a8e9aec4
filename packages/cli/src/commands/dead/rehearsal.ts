import type { Person } from "@dossier/events";
import { describeError, type Result } from "@dossier/service";
import type { PersonChange, Pool, DryRunResult } from "@dossier/store";
import { count } from "../../terminal/table.ts";
import { inSteps, type Chosen } from "./decision.ts";

/** Runs dead letters through this code, shows what would become of them, and leaves no trace. */
export async function rehearsal(pool: Pool, which: Chosen, json: boolean): Promise<Result<void>> {
  const { dryRunRedrive } = await import("@dossier/store");
  const outcomes: Record<string, number> = {};
  const changes = new Map<string, PersonChange>();
  const failing: { deliveryId: string; error: string }[] = [];
  await inSteps(pool, which, "rehearsing", async (deliveryIds) => {
    for (const result of await dryRunRedrive(pool, deliveryIds)) {
      outcomes[result.outcome] = (outcomes[result.outcome] ?? 0) + 1;
      const error = whyNot(result);
      if (error !== undefined) failing.push({ deliveryId: result.deliveryId, error });
      if ("change" in result) note(changes, result.change);
    }
  });
  const persons = [...changes.values()].filter(({ before, after }) => differences(before, after).length > 0);
  if (json) console.log(JSON.stringify({ dryRun: true, outcomes, persons, failing }));
  else {
    for (const { entityId, before, after } of persons) {
      console.log(`${entityId}${before === null ? " (new)" : ""}`);
      for (const line of differences(before, after)) console.log(`  ${line}`);
    }
    for (const { deliveryId, error } of failing) console.log(`${deliveryId} would fail again: ${error}`);
    const counted = Object.entries(outcomes).map(([outcome, one]) => `${outcome} ${count(one)}`);
    console.log(
      counted.length === 0 ? "no dead letter fits" : `result, nothing changed: ${counted.join(", ")}`,
    );
  }
  const settled = (outcomes["applied"] ?? 0) + (outcomes["duplicate"] ?? 0);
  if (settled === 0 && failing.length === 0) return { ok: false, error: "no dead letter fits" };
  return failing.length === 0
    ? { ok: true, value: undefined }
    : { ok: false, error: `${count(failing.length)} would fail again` };
}

/** A person's first state before and last state after, over all the deliveries. */
function note(changes: Map<string, PersonChange>, change: PersonChange): void {
  const earlier = changes.get(change.entityId);
  changes.set(change.entityId, earlier === undefined ? change : { ...change, before: earlier.before });
}

function whyNot(result: DryRunResult): string | undefined {
  switch (result.outcome) {
    case "applied":
    case "duplicate":
      return undefined;
    case "dead-lettered":
      return `${result.reason}: ${result.message}`;
    case "failed":
      return describeError(result.error).message;
    case "not-dead-lettered":
      return "it is not dead";
  }
}

function differences(before: Person | null, after: Person): string[] {
  const fields = Object.keys(after) as (keyof Person)[];
  return fields.flatMap((field) => {
    const [old, now] = [JSON.stringify(before?.[field] ?? null), JSON.stringify(after[field])];
    return old === now ? [] : [`${field}: ${old} → ${now}`];
  });
}
