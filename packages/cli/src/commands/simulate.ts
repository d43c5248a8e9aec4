import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Result } from "@dossier/service";
import { scenario, type ExpectedPerson, type Sender, type Webhook } from "@dossier/simulator";
import { connectConsole, type ConsoleClient } from "../console-client.ts";
import { comparePersons, waitUntilSettled } from "../simulation/check.ts";
import {
  countStatuses,
  formatReport,
  listFailures,
  type CheckResult,
  type SimulationReport,
} from "../simulation/report.ts";
import { estimateWebhooks, sendAll, type SendCounts } from "../simulation/send.ts";
import { print, printError } from "../terminal/print.ts";
import { startProgress } from "../terminal/progress.ts";
import { writeStdout } from "../terminal/stdout.ts";
import {
  createCommand,
  formatError,
  formatExitCodes,
  integerParser,
  joinParagraphs,
  parseHttpUrl,
  parseShare,
  reportResult,
} from "./command.ts";
import { openSender, RETRIES, secretOption, urlOption, type SenderFlags } from "./sender.ts";

export const simulateCommand = createCommand("simulate")
  .summary("send the webhooks of invented persons, and check the resulting states")
  .description(
    joinParagraphs(
      `Sends the webhooks of invented persons on their way through KYC: events of every type,
      duplicates, retries with a new time and attempt, client updates after approval, unknown
      types; signed, and interleaved. The state that each person must reach is known from how the
      webhooks were made. The same seed makes the same bytes.`,
      RETRIES,
    ),
  )
  .option("--persons <n>", "how many persons, each with about 8 events", integerParser(1, 2 ** 32 - 1), 100)
  .option(
    "--rate <n>",
    "webhooks a second, at most; 0 is as fast as they are answered",
    integerParser(0, 1_000_000),
    0,
  )
  .option("--duplicates <share>", "the share of webhooks that are redeliveries, 0 to 1", parseShare, 0.1)
  .option(
    "--shuffle <share>",
    "each webhook's chance to be overtaken, 0 to 1; 1 keeps no order",
    parseShare,
    0.1,
  )
  .option("--seed <n>", "which persons to invent", integerParser(0, 2 ** 32 - 1), 1)
  .option(
    "--concurrency <n>",
    "webhooks in flight at once, each on its own connection; more is faster, and keeps less of the order",
    integerParser(1, 1_000),
    32,
  )
  .option("--give-up-after <seconds>", "how long each webhook is retried", integerParser(0, 86_400), 120)
  .addOption(urlOption)
  .addOption(secretOption)
  .option("--expect <file>", "write each person's expected state as one line of JSON; - is stdout")
  .option("--check", "wait until all is settled, and compare every person's state with the expected one")
  .option(
    "--console <url>",
    "for --check: the console (default: CONSOLE_URL, else this machine, at CONSOLE_PORT, else the trial's port, else 8081); its token is DOSSIER_API_TOKEN, else the trial's",
    parseHttpUrl,
  )
  .option(
    "--settle-timeout <seconds>",
    "for --check: how long to wait while no delivery is settled",
    integerParser(1, 86_400),
    60,
  )
  .option("--json", "print what was sent and found as one JSON object")
  .addHelpText(
    "after",
    formatExitCodes({
      success: "all were accepted and, with --check, every person is in the expected state",
      failure:
        "one was refused or not answered, or a person is not in the expected state or could not be compared",
    }),
  )
  .action(async (options) => reportResult(await runSimulate(options)));

interface SimulateOptions extends SenderFlags {
  readonly persons: number;
  readonly rate: number;
  readonly duplicates: number;
  readonly shuffle: number;
  readonly seed: number;
  readonly concurrency: number;
  readonly expect?: string;
  readonly check?: true;
  readonly console?: URL;
  readonly settleTimeout: number;
  readonly json?: true;
}

async function runSimulate(options: SimulateOptions): Promise<Result<void>> {
  const opened = await openSender(options, options.concurrency);
  if (!opened.ok) return opened;
  const client = options.check && (await connectConsole(options.console));
  if (client?.ok === false) return client;

  const { webhooks, persons } = scenario(options);
  const sent = await sendWithProgress(webhooks, opened.value.sender, options);
  if (options.expect !== undefined) await writePersons(persons, options.expect);
  const report: SimulationReport = {
    seed: options.seed,
    persons: options.persons,
    sent,
    statuses: countStatuses(persons),
    check: client && (await check(client.value, persons, options)),
  };
  const lines = options.json ? [JSON.stringify(report)] : formatReport(report);
  if (options.expect === "-") printError(...lines);
  else print(...lines);
  const failures = listFailures(report);
  return failures.length === 0 ? { ok: true, value: undefined } : { ok: false, error: failures.join("\n") };
}

async function sendWithProgress(
  webhooks: Iterable<Webhook>,
  sender: Sender,
  options: SimulateOptions,
): Promise<SendCounts> {
  using progress = startProgress("sending", estimateWebhooks(options));
  try {
    return await sendAll(webhooks, sender, { ...options, onSent: () => progress.advance() });
  } finally {
    sender.close();
  }
}

/** Writes each person's expected state as a line of JSON; the file `-` is stdout. */
async function writePersons(persons: Iterable<ExpectedPerson>, file: string): Promise<void> {
  function* lines() {
    for (const person of persons) yield `${JSON.stringify(person)}\n`;
  }
  if (file === "-") await writeStdout(lines());
  else await pipeline(lines, createWriteStream(file));
}

async function check(
  client: ConsoleClient,
  persons: Iterable<ExpectedPerson>,
  options: SimulateOptions,
): Promise<CheckResult> {
  try {
    const open = await waitWithProgress(client, options);
    if (open > 0) return { open };
    using progress = startProgress("comparing", options.persons);
    return { open: 0, ...(await comparePersons(client, persons, () => progress.advance())) };
  } catch (error) {
    // What was sent is reported all the same.
    return { error: formatError(error).join("\n") };
  }
}

async function waitWithProgress(client: ConsoleClient, options: SimulateOptions): Promise<number> {
  using progress = startProgress("settling", 0);
  let most = 0;
  return await waitUntilSettled(client, options.settleTimeout * 1_000, (open) => {
    most = Math.max(most, open);
    progress.update(most - open, most);
  });
}
