import { Argument } from "@commander-js/extra-typings";
import type { Result } from "@dossier/service";
import type { DeadLetterFilter, Decision, Pool } from "@dossier/store";
import { startProgress } from "../../terminal/progress.ts";
import { count } from "../../terminal/table.ts";
import { uuid } from "../values.ts";
import { chooses, filteredCommand, filterOf, type FilterOptions } from "./filter.ts";

/** Deliveries in one step: bounds how long the locks of one are held. */
const STEP = 500;

export interface DecisionOptions extends FilterOptions {
  readonly all?: true;
  readonly operator?: string;
  readonly reason?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

/** Dead letters by their ids, or by what they have in common. */
export type Chosen = readonly string[] | DeadLetterFilter;

/** A command that decides over dead letters: those named, those that fit a filter, or all. */
export function decisionCommand(name: string) {
  return filteredCommand(name)
    .addArgument(
      new Argument("[deliveryId...]", "the deliveries")
        .default<readonly string[]>([], "those that a filter or --all chooses")
        .argParser<readonly string[]>((text, before) => [...before, uuid(text)]),
    )
    .option("--all", "every dead letter there is")
    .option("--operator <name>", "who decides, kept for ever (default: USER)")
    .option("--reason <text>", "why, kept for ever; required unless --dry-run")
    .option("--dry-run", "do nothing, and say what would happen")
    .option("--json", "print the result as JSON");
}

/** Which dead letters were meant; a decision over all of them must be said as such. */
export function chosen(deliveryIds: readonly string[], options: DecisionOptions): Result<Chosen> {
  const filter = filterOf(options);
  const ways = [deliveryIds.length > 0, chooses(filter), options.all === true].filter(Boolean).length;
  if (ways !== 1) {
    const message =
      ways === 0
        ? "Say which: name deliveries, give a filter such as --died-of, or --all."
        : "Say it in one way: name deliveries, give a filter, or --all.";
    return { ok: false, error: message };
  }
  return { ok: true, value: deliveryIds.length > 0 ? deliveryIds : filter };
}

/** Who decides and why; a decision without a reason is none. */
export function decisionOf(
  { operator, reason }: DecisionOptions,
  user: string | undefined,
): Result<Decision> {
  const who = operator ?? user;
  if (!who) return { ok: false, error: "Say who decides: --operator, as USER is not set." };
  if (!reason) return { ok: false, error: "Say why: --reason is kept with each delivery for ever." };
  return { ok: true, value: { operator: who, reason } };
}

/** Does `step` with all that were chosen, some hundred at a time, and shows how far it is. */
export async function inSteps(
  pool: Pool,
  which: Chosen,
  doing: string,
  step: (deliveryIds: readonly string[]) => Promise<void>,
): Promise<void> {
  const { countDeadLetters, pageDeadLetters } = await import("@dossier/store");
  if (isList(which)) return step(which);
  const counts = await countDeadLetters(pool, which);
  const progress = startProgress(
    doing,
    Object.values(counts).reduce((sum, one) => sum + one, 0),
  );
  try {
    for await (const page of pageDeadLetters(pool, which, STEP)) {
      await step(page.map(({ deliveryId }) => deliveryId));
      progress.advance(page.length);
    }
  } finally {
    progress.end();
  }
}

/** How a decision ended: it fails where nothing was done, or not for all that were named. */
export function concluded(which: Chosen, done: number): Result<void> {
  const missed = isList(which) ? which.length - done : 0;
  if (missed > 0) return { ok: false, error: `${count(missed)} of those named are not dead` };
  return done > 0 ? { ok: true, value: undefined } : { ok: false, error: "no dead letter fits" };
}

function isList(which: Chosen): which is readonly string[] {
  return Array.isArray(which);
}
