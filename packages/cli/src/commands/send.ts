import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Result } from "@dossier/service";
import { createSender, type Sent } from "../webhooks/sender.ts";
import { findWebhookTarget, readSamples } from "../webhooks/webhooks.ts";
import {
  createCommand,
  formatExitCodes,
  integerParser,
  joinParagraphs,
  parseHttpUrl,
  reportResult,
} from "./command.ts";

export const sendCommand = createCommand("send")
  .summary("sign payloads and post them, as iComply does")
  .description(
    joinParagraphs(
      `Signs payloads and posts them to ingest, as iComply does: one after the other, byte for byte
      as they are. A request without an answer, or answered 408, 429 or 5xx, is retried after 0.1 s
      and then twice as long each time, at most 5 s.`,
    ),
  )
  .argument("[file...]", "the payloads; - is stdin (default: the samples of iComply's documentation)")
  .option(
    "--url <url>",
    "where ingest takes webhooks (default: this machine, at INGEST_PORT or 8080)",
    parseHttpUrl,
  )
  .option(
    "--secret <secret>",
    "signs the payloads; other users of this machine can see it while the command runs (default: the first of ICOMPLY_WEBHOOK_SECRETS, else the trial's in DOSSIER_DATA_DIR)",
  )
  .option(
    "--give-up-after <seconds>",
    "how long each payload is retried; 0 sends it once",
    integerParser(0, 86_400),
    30,
  )
  .option("--json", "print one JSON object for each payload")
  .addHelpText(
    "after",
    formatExitCodes({ success: "all were accepted", failure: "one was refused or not answered" }),
  )
  .action(async (files, options) => reportResult(await runSend(files, options)));

interface SendOptions {
  readonly url?: URL;
  readonly secret?: string;
  readonly giveUpAfter: number;
  readonly json?: true;
}

async function runSend(files: readonly string[], options: SendOptions): Promise<Result<void>> {
  const target = await findWebhookTarget(options);
  if (!target.ok) return target;
  const sender = createSender({
    ...target.value,
    connections: 1,
    giveUpAfterMs: options.giveUpAfter * 1_000,
  });
  let failed = 0;
  try {
    for await (const { name, body } of files.length === 0 ? readSamples() : readPayloads(files)) {
      const sent = await sender.send(body);
      console.log(options.json ? JSON.stringify({ payload: name, ...sent }) : `${name}: ${formatSent(sent)}`);
      if (sent.is !== "accepted") failed++;
    }
  } finally {
    sender.close();
  }
  return failed === 0
    ? { ok: true, value: undefined }
    : { ok: false, error: `${failed} not accepted by ${target.value.url.href}` };
}

async function* readPayloads(files: readonly string[]) {
  for (const file of files) {
    yield file === "-"
      ? { name: "stdin", body: await buffer(process.stdin) }
      : { name: basename(file), body: await readFile(file) };
  }
}

function formatSent(sent: Sent): string {
  switch (sent.is) {
    case "accepted":
      return `accepted, delivery ${sent.deliveryId}`;
    case "refused":
      return `refused: ${sent.why}`;
    case "unanswered":
      return `not accepted after ${sent.retries + 1} attempts: ${sent.why}`;
  }
}
