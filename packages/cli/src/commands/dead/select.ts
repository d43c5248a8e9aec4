import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { DeadLetterQuery } from "@dossier/console";
import { completeTime, DEAD_LETTER_REASONS, parseTicks, type DeadLetterReason } from "@dossier/events";
import { createCommand, parseDuration } from "../command.ts";

export interface FilterOptions {
  readonly reason?: DeadLetterReason;
  readonly type?: string;
  readonly entity?: string;
  readonly before?: string;
  readonly since?: string;
  readonly text?: string;
}

/** Returns a command with the options that select dead letters. */
export function createFilterCommand(name: string) {
  return createCommand(name)
    .addOption(new Option("--reason <reason>", "those with this reason").choices(DEAD_LETTER_REASONS))
    .option("--type <event>", "those of this type of event, such as NaturalPersonPending")
    .option("--entity <entityId>", "those of this person")
    .option(
      "--before <time>",
      'those dead-lettered before then: a time such as 2026-01-31 or "2026-01-31 12:00", in UTC, or an age such as 30m, 2h, 7d',
      parseTime,
    )
    .option("--since <time>", "those dead-lettered then or later: the same", parseTime)
    .option("--text <text>", "those whose bytes or message contain exactly this text");
}

export function toFilter({ type, entity, reason, before, since, text }: FilterOptions): DeadLetterQuery {
  return { reason, event: type, entityId: entity, before, since, text };
}

/** Whether a filter selects all dead letters. */
export function isEmpty(filter: DeadLetterQuery): boolean {
  return Object.values(filter).every((value) => value === undefined);
}

export function sumCounts(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Parses a time as people write it, or an age, into an ISO time. */
function parseTime(text: string): string {
  const age = parseDuration(text);
  const time = age === undefined ? completeTime(text) : new Date(Date.now() - age * 1_000).toISOString();
  if (parseTicks(time) !== undefined) return time;
  throw new InvalidArgumentError(
    'It must be a time such as 2026-01-31, "2026-01-31 12:00" or 2026-01-31T12:00:00Z, or an age such as 30m, 2h, 7d.',
  );
}
