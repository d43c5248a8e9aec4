import { Argument } from "@commander-js/extra-typings";
import type { Result } from "@dossier/service";
import { readConsoleConfig } from "../../config.ts";
import { ConsoleError, connectConsole, type ConsoleClient } from "../../console-client.ts";
import { startProgress } from "../../terminal/progress.ts";
import { parseDeliveryId } from "../command.ts";
import {
  createFilterCommand,
  fetchPage,
  isEmpty,
  sumCounts,
  toFilter,
  type DeadLetterFilter,
  type FilterOptions,
} from "./select.ts";

const COUNT_EVERY_MS = 2_000;

export interface DecisionOptions extends FilterOptions {
  readonly all?: boolean;
  readonly operator?: string;
  readonly because?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Returns a command that decides about the dead letters that are named, match a filter, or all. */
export function createDecisionCommand(name: "redrive" | "discard") {
  return createFilterCommand(name)
    .addArgument(
      new Argument("[deliveryId...]", "the deliveries")
        .default<readonly string[]>([], "those that a filter or --all selects")
        .argParser<readonly string[]>((text, before) => [...before, parseDeliveryId(text)]),
    )
    .option("--all", "every dead letter")
    .option("--operator <name>", "who decides; kept for ever (default: USER)")
    .option("--because <text>", "why; kept for ever, and required unless --dry-run")
    .option("--dry-run", "change nothing, and show what would happen")
    .option("--json", "print the result as JSON");
}

export function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`);
}

/** A decision fails if it changed nothing, or not all that were named. */
export function conclude(changed: number, missing: readonly string[]): Result<void> {
  if (missing.length > 0) return { ok: false, error: `not dead letters: ${missing.join(", ")}` };
  return changed > 0 ? { ok: true, value: undefined } : { ok: false, error: "no dead letter matches" };
}

export interface Decided<Answer> {
  readonly answers: readonly Answer[];
  /** Those of the named deliveries that are not dead letters. */
  readonly missing: readonly string[];
}

/** Sends a decision to the console: one request for a filter, or one for each delivery that is named. */
export async function decide<Answer>(
  action: "redrive" | "discard",
  deliveryIds: readonly string[],
  options: DecisionOptions,
): Promise<Result<Decided<Answer>>> {
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
  const decision = readDecision(options);
  if (!decision.ok) return decision;
  const client = await connectConsole();
  if (!client.ok) return client;
  const value =
    deliveryIds.length > 0
      ? await decideEach<Answer>(client.value, action, deliveryIds, decision.value)
      : { answers: [await decideAll<Answer>(client.value, action, filter, decision.value)], missing: [] };
  return { ok: true, value };
}

interface Decision {
  readonly operator: string | undefined;
  readonly reason: string | undefined;
  readonly dryRun: boolean;
}

function readDecision({ operator, because, dryRun = false }: DecisionOptions): Result<Decision> {
  const config = readConsoleConfig();
  if (!config.ok) return config;
  const decision = { operator: operator ?? config.value.USER, reason: because, dryRun };
  if (dryRun) return { ok: true, value: decision };
  if (!decision.operator) return { ok: false, error: "Say who decides: --operator, as USER is not set." };
  if (!because) return { ok: false, error: "Say why: --because is kept with each delivery for ever." };
  return { ok: true, value: decision };
}

async function decideEach<Answer>(
  client: ConsoleClient,
  action: string,
  deliveryIds: readonly string[],
  decision: Decision,
): Promise<Decided<Answer>> {
  const answers: Answer[] = [];
  const missing: string[] = [];
  using progress = startProgress(action, deliveryIds.length);
  for (const deliveryId of deliveryIds) {
    try {
      answers.push(await client.post<Answer>(`dead-letters/${deliveryId}/${action}`, decision));
    } catch (error) {
      if (!(error instanceof ConsoleError) || error.status !== 404) throw error;
      missing.push(deliveryId);
    }
    progress.advance();
  }
  return { answers, missing };
}

/** Shows, while the console is at work, how far the number of dead letters has fallen. */
async function decideAll<Answer>(
  client: ConsoleClient,
  action: string,
  filter: DeadLetterFilter,
  decision: Decision,
): Promise<Answer> {
  const request = () => client.post<Answer>(`dead-letters/${action}`, { filter, ...decision });
  if (decision.dryRun) return request();
  const count = async () => sumCounts((await fetchPage(client, filter, 1)).counts);
  const total = await count();
  using progress = startProgress(action, total);
  const timer = setInterval(() => {
    void count().then(
      (left) => progress.update(Math.max(0, total - left), total),
      () => undefined,
    );
  }, COUNT_EVERY_MS);
  try {
    return await request();
  } finally {
    clearInterval(timer);
  }
}
