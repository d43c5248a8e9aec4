import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { parseTicks, type Ticks } from "@dossier/events";
import type { DeadLetterFilter } from "@dossier/store";
import { command } from "../command.ts";

const REASONS = ["unparsable", "invalid-event", "conflicting-duplicate", "fold-failed", "stalled"] as const;

export interface FilterOptions {
  readonly diedOf?: (typeof REASONS)[number];
  readonly type?: string;
  readonly entity?: string;
  readonly before?: Ticks;
  readonly since?: Ticks;
  readonly text?: string;
}

/** A command with the options that choose among the dead letters. */
export function filteredCommand(name: string) {
  return command(name)
    .addOption(new Option("--died-of <reason>", "those with this reason").choices(REASONS))
    .option("--type <event>", "those that tell of this event, such as NaturalPersonPending")
    .option("--entity <entityId>", "those of this person")
    .option(
      "--before <time>",
      "those that died before then: an ISO time, or an age such as 30m, 2h, 7d",
      moment,
    )
    .option("--since <time>", "those that died then or later: the same", moment)
    .option("--text <text>", "those whose bytes or message hold this text, to the letter");
}

export function filterOf({ diedOf, type, entity, before, since, text }: FilterOptions): DeadLetterFilter {
  return { reason: diedOf, event: type, entityId: entity, before, since, text };
}

/** Whether anything narrows the choice. */
export function chooses(filter: DeadLetterFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}

const TICKS_PER_MS = 10_000n;
const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function moment(text: string): Ticks {
  const [, amount, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const age = Number(amount) * (UNITS_MS[unit] ?? Number.NaN);
  const ticks = Number.isNaN(age) ? parseTicks(text) : BigInt(Date.now() - age) * TICKS_PER_MS;
  if (ticks !== undefined) return ticks;
  throw new InvalidArgumentError(
    "It must be an ISO time such as 2026-01-31T12:00:00Z, or an age such as 30m, 2h, 7d.",
  );
}
