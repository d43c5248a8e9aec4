import { Argument } from "@commander-js/extra-typings";
import type { Result } from "@dossier/service";
import { connectConsole, PAGE_SIZE } from "../../console-client.ts";
import { printError } from "../../terminal/print.ts";
import { formatCount } from "../../terminal/table.ts";
import { parseDeliveryId } from "../command.ts";
import { runBulkAction } from "./run-bulk-action.ts";
import { createFilterCommand, isEmpty, toFilter, type FilterOptions } from "./select.ts";

export interface DecisionOptions extends FilterOptions {
  readonly all?: boolean;
  readonly because?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

type DecisionName = "redrive" | "discard" | "restore";

/** Returns a command that decides about the dead letters that are named, match a filter, or all. */
export function createDecisionCommand(name: DecisionName) {
  return createFilterCommand(name)
    .addArgument(
      new Argument("[deliveryId...]", "the deliveries")
        .default<readonly string[]>([], "those that a filter or --all selects")
        .argParser<readonly string[]>((text, before) => [...before, parseDeliveryId(text)]),
    )
    .option("--all", name === "restore" ? "every discarded delivery" : "every dead letter")
    .option("--because <text>", "why; kept for ever, and required unless --dry-run")
    .option("--dry-run", "change nothing, and show what would happen")
    .option("--json", "print the result as JSON");
}

export function warn(message: string): void {
  printError(`warning: ${message}`);
}

/** What a decision did. */
export interface Decided {
  readonly decided: number;
  /** For how many of these the queue failed. */
  readonly queueMissed: number;
  /** Those of the named deliveries about which nothing could be decided. */
  readonly missed: readonly string[];
  /** Who aborted it, if somebody did. */
  readonly abortedBy?: string | null;
}

/**
 * A decision fails if it changed nothing, or not all that were named, or was aborted.
 *
 * @param expected what the named ones should have been
 */
export function conclude(
  { decided, missed, abortedBy }: Pick<Decided, "decided" | "missed" | "abortedBy">,
  expected = "dead letters",
): Result<void> {
  if (missed.length > 0) return { ok: false, error: `not ${expected}: ${missed.join(", ")}` };
  if (abortedBy) return { ok: false, error: `aborted by ${abortedBy}` };
  return decided > 0 ? { ok: true, value: undefined } : { ok: false, error: "no dead letter matches" };
}

/** Returns what a request selects; or why the options do not say it, or lack a reason. */
function readSelection(
  deliveryIds: readonly string[],
  options: DecisionOptions,
): Result<{ filter: object } | { all: true } | { deliveryIds: readonly string[] }> {
  const filter = toFilter(options);
  const selections = [deliveryIds.length > 0, !isEmpty(filter), options.all === true].filter(Boolean).length;
  if (selections === 0) {
    return {
      ok: false,
      error: "Select dead letters: name deliveries, give a filter such as --reason, or --all.",
    };
  }
  if (selections > 1) {
    return { ok: false, error: "Select in one way: name deliveries, give a filter, or --all." };
  }
  if (!options.dryRun && !options.because) {
    return { ok: false, error: "Say why: --because is kept with each delivery for ever." };
  }
  if (deliveryIds.length > 0) return { ok: true, value: { deliveryIds: [...new Set(deliveryIds)] } };
  return { ok: true, value: options.all ? { all: true } : { filter } };
}

/** Asks the console what a decision would do. */
export async function dryRun<Answer>(
  action: DecisionName,
  deliveryIds: readonly string[],
  options: DecisionOptions,
): Promise<Result<Answer>> {
  const selection = readSelection(deliveryIds, options);
  if (!selection.ok) return selection;
  if (deliveryIds.length > PAGE_SIZE) {
    return { ok: false, error: `A dry run takes ${PAGE_SIZE} named deliveries at most: give a filter.` };
  }
  const client = await connectConsole();
  if (!client.ok) return client;
  const body = { ...selection.value, dryRun: true };
  return { ok: true, value: await client.value.post<Answer>(`dead-letters/${action}`, body) };
}

/**
 * Has the console decide: about named deliveries at once, about as many at a time as one transaction takes; about what a
 * filter selects in the background.
 *
 * @param read what an answer about named deliveries says
 */
export async function decide<Answer>(
  action: DecisionName,
  deliveryIds: readonly string[],
  options: DecisionOptions,
  read: (answer: Answer) => Decided,
): Promise<Result<Decided>> {
  const selection = readSelection(deliveryIds, options);
  if (!selection.ok) return selection;
  const client = await connectConsole();
  if (!client.ok) return client;
  const { because: reason } = options;
  if (!("deliveryIds" in selection.value)) {
    const body = { ...selection.value, reason };
    const { bulkActionId, missed, ...done } = await runBulkAction(client.value, action, body);
    if (done.state !== "completed") {
      const why = done.error ?? `by ${done.abortedBy}`;
      return {
        ok: false,
        error: `bulk action ${bulkActionId} ${done.state} (${why}), ${done.decided} of ${done.total} decided`,
      };
    }
    if (missed > 0) {
      const command = `dossier dead bulk ${bulkActionId} --limit ${missed + done.queueMissed}`;
      warn(`${formatCount(missed)} changed meanwhile: \`${command}\` lists them`);
    }
    return { ok: true, value: { ...done, missed: [] } };
  }
  const all: Decided[] = [];
  for (const named of slice(selection.value.deliveryIds)) {
    all.push(read(await client.value.post<Answer>(`dead-letters/${action}`, { reason, deliveryIds: named })));
  }
  return {
    ok: true,
    value: {
      decided: all.reduce((sum, { decided }) => sum + decided, 0),
      queueMissed: all.reduce((sum, { queueMissed }) => sum + queueMissed, 0),
      missed: all.flatMap(({ missed }) => missed),
    },
  };
}

/** Returns the named deliveries, by as many as one request may name. */
function* slice(deliveryIds: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < deliveryIds.length; start += PAGE_SIZE) {
    yield deliveryIds.slice(start, start + PAGE_SIZE);
  }
}
