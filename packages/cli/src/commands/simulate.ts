import type { Person } from "@dossier/events";
import type { Result } from "@dossier/service";
import { createSender, retryFor, scenario, type Webhook } from "@dossier/simulator";
import type { ConsoleClient } from "../console/client.ts";
import { consoleTarget } from "../console/target.ts";
import { compare, untilSettled, type Checked, type Unchecked } from "../simulation/check.ts";
import { estimateSends } from "../simulation/estimate.ts";
import { countStatuses, writeExpectations } from "../simulation/expectations.ts";
import { faults, inWords, type Report } from "../simulation/report.ts";
import { stream, type Tally } from "../simulation/stream.ts";
import { startProgress } from "../terminal/progress.ts";
import { webhookTarget, type WebhookTarget } from "../webhooks/target.ts";
import { command, conclude, described, exitCodes, paragraphs } from "./command.ts";
import { httpUrl, share, wholeNumber } from "./values.ts";

export function simulateCommand() {
  return command("simulate")
    .summary("send whole journeys of invented persons, and say what each file must be")
    .description(
      paragraphs(
        `Sends the webhooks of invented persons on their way through KYC: events of every kind,
      duplicates, retries under a new time and attempt, client updates after approval, types that
      nobody documented; signed, and mixed together. What each person's file must be in the end
      follows from how the journey was made. The same seed gives the same bytes.`,
        `What finds no answer, or 408, 429 or 5xx, is sent again, after 0.1 s and then twice as long
      each time, at most 5 s.`,
      ),
    )
    .option("--persons <n>", "how many persons, each with some 8 events", wholeNumber(1, 2 ** 32 - 1), 100)
    .option(
      "--rate <n>",
      "webhooks a second at the most; 0 is as fast as they are answered",
      wholeNumber(0, 1_000_000),
      0,
    )
    .option("--duplicates <share>", "the share of all webhooks that are redeliveries, 0 to 1", share, 0.1)
    .option(
      "--shuffle <share>",
      "each webhook's chance to be overtaken, 0 to 1; 1 keeps no order",
      share,
      0.1,
    )
    .option("--seed <n>", "which persons; others for every seed", wholeNumber(0, 2 ** 32 - 1), 1)
    .option(
      "--concurrency <n>",
      "webhooks under way at once, on a connection each; more is faster, and keeps less of the order",
      wholeNumber(1, 1_000),
      32,
    )
    .option(
      "--give-up-after <seconds>",
      "for how long each webhook is sent again",
      wholeNumber(0, 86_400),
      120,
    )
    .option(
      "--url <url>",
      "where ingest takes webhooks (default: this machine, at INGEST_PORT or 8080)",
      httpUrl,
    )
    .option(
      "--secret <secret>",
      "signs the webhooks; other users of this machine can see it while the command runs (default: the first of ICOMPLY_WEBHOOK_SECRETS, else the trial's in DOSSIER_DATA_DIR)",
    )
    .option("--expect <file>", "write what each person's file must be, as one line of JSON each; - is stdout")
    .option("--check", "wait until all is settled, and compare every person's file with what it must be")
    .option(
      "--console <url>",
      "for --check: the console (default: this machine, at CONSOLE_PORT or 8081); its token is DOSSIER_API_TOKEN, else the trial's",
      httpUrl,
    )
    .option(
      "--patience <seconds>",
      "for --check: how long nothing may be settled",
      wholeNumber(1, 86_400),
      60,
    )
    .option("--json", "print what was sent and found as one JSON object")
    .addHelpText(
      "after",
      exitCodes({
        done: "all were accepted and, with --check, every file is as it must be",
        failed: "one was refused or found no answer, or a file is not as it must be or cannot be asked for",
      }),
    )
    .action(async (options) => conclude(await run(options)));
}

interface SimulateOptions {
  readonly persons: number;
  readonly rate: number;
  readonly duplicates: number;
  readonly shuffle: number;
  readonly seed: number;
  readonly concurrency: number;
  readonly giveUpAfter: number;
  readonly url?: URL;
  readonly secret?: string;
  readonly expect?: string;
  readonly check?: true;
  readonly console?: URL;
  readonly patience: number;
  readonly json?: true;
}

async function run(options: SimulateOptions): Promise<Result<void>> {
  const target = await webhookTarget(options);
  if (!target.ok) return target;
  const console = options.check ? await consoleTarget(options) : undefined;
  if (console?.ok === false) return console;

  const { webhooks, persons } = scenario(options);
  const sent = await sendAll(webhooks, target.value, options);
  if (options.expect !== undefined) await writeExpectations(persons, options.expect);
  const report: Report = {
    seed: options.seed,
    persons: options.persons,
    sent,
    statuses: countStatuses(persons),
    checked: console && (await checkAll(console.value, persons, options).catch(unchecked)),
  };
  const output = options.expect === "-" ? process.stderr : process.stdout;
  output.write(`${options.json ? JSON.stringify(report) : inWords(report)}\n`);
  const found = faults(report);
  return found.length === 0 ? { ok: true, value: undefined } : { ok: false, error: found.join("\n") };
}

async function sendAll(
  webhooks: Iterable<Webhook>,
  { url, secret }: WebhookTarget,
  options: SimulateOptions,
): Promise<Tally> {
  const progress = startProgress("webhooks", estimateSends(options));
  const sender = createSender({
    urls: [url],
    secret,
    connections: options.concurrency,
    retry: retryFor(options.giveUpAfter * 1_000),
  });
  try {
    return await stream(webhooks, sender, { ...options, onSent: () => progress.advance() });
  } finally {
    progress.end();
    sender.close();
  }
}

/** What was sent is told all the same. */
function unchecked(error: unknown): Unchecked {
  return { fault: described(error) };
}

async function checkAll(
  client: ConsoleClient,
  persons: Iterable<Person>,
  options: SimulateOptions,
): Promise<Checked> {
  const open = await untilSettled(client, options.patience * 1_000);
  if (open > 0) return { open, persons: 0, deviating: 0, deviations: [] };
  const progress = startProgress("files compared", options.persons);
  try {
    return { open, ...(await compare(client, persons, () => progress.advance())) };
  } finally {
    progress.end();
  }
}
