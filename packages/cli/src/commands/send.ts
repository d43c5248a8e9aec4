import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Result } from "@dossier/service";
import { samples, type SendResult } from "@dossier/simulator";
import { print, printJson } from "../terminal/print.ts";
import { createCommand, formatExitCodes, integerParser, joinParagraphs, reportResult } from "./command.ts";
import { openSender, RETRIES, secretOption, urlOption, type SenderFlags } from "./sender.ts";

export const sendCommand = createCommand("send")
  .summary("sign payloads and post them, as iComply does")
  .description(
    joinParagraphs(
      `Signs payloads and posts them to ingest, as iComply does: one after the other, byte for byte
      as they are. ${RETRIES}`,
    ),
  )
  .argument("[file...]", "the payloads; - is stdin (default: the samples of iComply's documentation)")
  .addOption(urlOption)
  .addOption(secretOption)
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

interface SendFlags extends SenderFlags {
  readonly json?: true;
}

async function runSend(files: readonly string[], options: SendFlags): Promise<Result<void>> {
  const opened = await openSender(options, 1);
  if (!opened.ok) return opened;
  const { sender, url } = opened.value;
  let failed = 0;
  try {
    for await (const { name, body } of files.length === 0 ? samples() : readPayloads(files)) {
      const result = await sender.send(body);
      if (options.json) printJson({ payload: name, ...result });
      else print(`${name}: ${formatResult(result)}`);
      if (result.kind !== "accepted") failed++;
    }
  } finally {
    sender.close();
  }
  return failed === 0
    ? { ok: true, value: undefined }
    : { ok: false, error: `${failed} not accepted by ${url.href}` };
}

async function* readPayloads(files: readonly string[]) {
  for (const file of files) {
    yield file === "-"
      ? { name: "stdin", body: await buffer(process.stdin) }
      : { name: basename(file), body: await readFile(file) };
  }
}

function formatResult(result: SendResult): string {
  switch (result.kind) {
    case "accepted":
      return `accepted, delivery ${result.deliveryId}`;
    case "refused":
      return `refused: ${result.error}`;
    case "unanswered":
      return `not accepted after ${result.retries + 1} attempts: ${result.error}`;
  }
}
