import { Argument } from "@commander-js/extra-typings";
import type { DeadLetterQuery } from "@dossier/console";
import type { Result } from "@dossier/service";
import { connectConsole, PAGE_SIZE, type ConsoleClient } from "../../console-client.ts";
import { printError } from "../../terminal/print.ts";
import { startProgress } from "../../terminal/progress.ts";
import { parseDeliveryId } from "../command.ts";
import {
  createFilterCommand,
  fetchPage,
  isEmpty,
  sumCounts,
  toFilter,
  type DeadLetterStatus,
  type FilterOptions,
} from "./select.ts";

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

/**
 * A decision fails if it changed nothing, or not all that were named.
 *
 * @param missed those that it could not decide about
 * @param expected what they should have been
 */
export function conclude(
  changed: number,
  named: readonly string[],
  missed: readonly string[],
  expected = "dead letters",
): Result<void> {
  // A filter's deliveries may have been decided about meanwhile, which is no failure.
  if (named.length > 0 && missed.length > 0)
    return { ok: false, error: `not ${expected}: ${missed.join(", ")}` };
  return changed > 0 ? { ok: true, value: undefined } : { ok: false, error: "no dead letter matches" };
}

/**
 * Sends a decision to the console, about as many deliveries at a time as it decides about in one transaction: so no
 * request takes long, however many are selected. Returns its answers.
 */
export async function decide<Answer>(
  action: DecisionName,
  deliveryIds: readonly string[],
  options: DecisionOptions,
): Promise<Result<readonly Answer[]>> {
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
  const { because: reason, dryRun = false } = options;
  if (!dryRun && !reason) {
    return { ok: false, error: "Say why: --because is kept with each delivery for ever." };
  }
  const client = await connectConsole();
  if (!client.ok) return client;
  const slices =
    deliveryIds.length > 0
      ? slice([...new Set(deliveryIds)])
      : pageSelected(client.value, filter, action === "restore" ? "discarded" : "dead-lettered");
  const answers: Answer[] = [];
  let done = 0;
  using progress = startProgress(action, deliveryIds.length);
  for await (const { deliveryIds, total } of slices) {
    const body = { reason, dryRun, deliveryIds };
    answers.push(await client.value.post<Answer>(`dead-letters/${action}`, body));
    done += deliveryIds.length;
    progress.update(done, total);
  }
  return { ok: true, value: answers };
}

/** Deliveries that one request names, of the total that is selected. */
interface Slice {
  readonly deliveryIds: readonly string[];
  readonly total: number;
}

/** Returns the named deliveries, by as many as one request may name. */
function* slice(deliveryIds: readonly string[]): Generator<Slice> {
  for (let start = 0; start < deliveryIds.length; start += PAGE_SIZE) {
    yield { deliveryIds: deliveryIds.slice(start, start + PAGE_SIZE), total: deliveryIds.length };
  }
}

/** Returns the deliveries that a filter selects, page by page. What is decided meanwhile does not move the next page. */
async function* pageSelected(
  client: ConsoleClient,
  filter: DeadLetterQuery,
  status: DeadLetterStatus,
): AsyncGenerator<Slice> {
  let total: number | undefined;
  for (let cursor: string | undefined; ;) {
    const { items, nextCursor, counts } = await fetchPage(client, { ...filter, status }, PAGE_SIZE, cursor);
    total ??= sumCounts(counts);
    if (items.length > 0) yield { deliveryIds: items.map(({ deliveryId }) => deliveryId), total };
    if (nextCursor === null) return;
    cursor = nextCursor;
  }
}
