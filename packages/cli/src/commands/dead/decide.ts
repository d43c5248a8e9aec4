import { Argument } from "@commander-js/extra-typings";
import type { Result } from "@dossier/service";
import { readConsoleConfig } from "../../config.ts";
import {
  CONSOLE_ENVIRONMENT,
  ConsoleError,
  connectConsole,
  type ConsoleClient,
} from "../../console-client.ts";
import { startProgress } from "../../terminal/progress.ts";
import { formatCount } from "../../terminal/table.ts";
import { formatExitCodes, joinParagraphs, parseDeliveryId, reportResult } from "../command.ts";
import { concludeDryRun, formatDryRun, mergeDryRuns, type RedriveDryRun } from "./dry-run.ts";
import {
  createFilterCommand,
  fetchPage,
  isEmpty,
  toFilter,
  type DeadLetterFilter,
  type FilterOptions,
} from "./select.ts";

const COUNT_EVERY_MS = 2_000;

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

export const discardCommand = createDecisionCommand("discard")
  .summary("set dead letters aside for good")
  .description(
    joinParagraphs(
      `Discards dead letters: they are not listed again, and cannot be redriven. They stay readable with
      \`dossier dead show\`.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .addHelpText(
    "after",
    formatExitCodes({
      success: "all selected are discarded",
      failure: "one that was named is not a dead letter, or none matches",
    }),
  )
  .action(async (deliveryIds, options) => reportResult(await discard(deliveryIds, options)));

interface DecisionOptions extends FilterOptions {
  readonly all?: boolean;
  readonly operator?: string;
  readonly because?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Returns a command that decides about the dead letters that are named, match a filter, or all. */
function createDecisionCommand(name: "redrive" | "discard") {
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

interface Redriven {
  readonly dryRun: false;
  readonly redriven: number;
  readonly notEnqueued: number;
}

async function redrive(deliveryIds: readonly string[], options: DecisionOptions): Promise<Result<void>> {
  const decided = await decide<Redriven | RedriveDryRun>("redrive", deliveryIds, options);
  if (!decided.ok) return decided;
  const { answers, missing } = decided.value;
  if (options.dryRun) {
    const dryRun = mergeDryRuns(answers.filter((answer) => answer.dryRun));
    console.log(options.json ? JSON.stringify(dryRun) : formatDryRun(dryRun));
    return concludeDryRun(dryRun);
  }
  const done = answers.filter((answer) => !answer.dryRun);
  const redriven = done.reduce((sum, answer) => sum + answer.redriven, 0);
  const notEnqueued = done.reduce((sum, answer) => sum + answer.notEnqueued, 0);
  console.log(options.json ? JSON.stringify({ redriven, notEnqueued }) : `${formatCount(redriven)} redriven`);
  if (notEnqueued > 0) {
    warn(`the queue did not take up to ${formatCount(notEnqueued)} of them; a worker finds these by itself`);
  }
  return conclude(redriven, missing);
}

interface Discarded {
  readonly discarded: number;
  /** Not in a dry run. */
  readonly jobsLeft?: number;
}

async function discard(deliveryIds: readonly string[], options: DecisionOptions): Promise<Result<void>> {
  const decided = await decide<Discarded>("discard", deliveryIds, options);
  if (!decided.ok) return decided;
  const { answers, missing } = decided.value;
  const discarded = answers.reduce((sum, answer) => sum + answer.discarded, 0);
  const jobsLeft = answers.reduce((sum, answer) => sum + (answer.jobsLeft ?? 0), 0);
  const { dryRun = false } = options;
  if (options.json) console.log(JSON.stringify(dryRun ? { dryRun, discarded } : { discarded, jobsLeft }));
  else console.log(`${formatCount(discarded)} ${dryRun ? "would be discarded" : "discarded"}`);
  if (jobsLeft > 0) {
    warn(`the queue did not remove up to ${formatCount(jobsLeft)} jobs of them, which have no effect`);
  }
  return conclude(discarded, missing);
}

function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`);
}

/** A decision fails if it changed nothing, or not all that were named. */
function conclude(changed: number, missing: readonly string[]): Result<void> {
  if (missing.length > 0) return { ok: false, error: `not dead letters: ${missing.join(", ")}` };
  return changed > 0 ? { ok: true, value: undefined } : { ok: false, error: "no dead letter matches" };
}

interface Decided<Answer> {
  readonly answers: readonly Answer[];
  /** Those of the named deliveries that are not dead letters. */
  readonly missing: readonly string[];
}

/** Sends a decision to the console: one request for a filter, or one for each delivery that is named. */
async function decide<Answer>(
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
  const count = async () => {
    const { counts } = await fetchPage(client, filter, 1);
    return Object.values(counts).reduce((sum, one) => sum + one, 0);
  };
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
