import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Result } from "@dossier/service";
import { createSender, retryFor, samples, type SendResult } from "@dossier/simulator";
import { webhookTarget } from "../webhooks/target.ts";
import { command, conclude, exitCodes, paragraphs } from "./command.ts";
import { httpUrl, wholeNumber } from "./values.ts";

interface SendOptions {
  readonly url?: URL;
  readonly secret?: string;
  readonly giveUpAfter: number;
  readonly json?: true;
}

export function sendCommand() {
  return command("send")
    .summary("sign payloads and post them, as iComply does")
    .description(
      paragraphs(
        `Signs payloads and posts them to ingest, as iComply does, one after the other, byte for byte
      as they are. What finds no answer, or 408, 429 or 5xx, is sent again, after 0.1 s and then
      twice as long each time, at most 5 s.`,
      ),
    )
    .argument("[file...]", "the payloads; - is stdin (default: the six samples of iComply's documentation)")
    .option(
      "--url <url>",
      "where ingest takes webhooks (default: this machine, at INGEST_PORT or 8080)",
      httpUrl,
    )
    .option(
      "--secret <secret>",
      "signs the payloads; other users of this machine can see it while the command runs (default: the first of ICOMPLY_WEBHOOK_SECRETS, else the trial's in DOSSIER_DATA_DIR)",
    )
    .option(
      "--give-up-after <seconds>",
      "for how long each payload is sent again; 0 sends it once",
      wholeNumber(0, 86_400),
      30,
    )
    .option("--json", "print one JSON object for each payload")
    .addHelpText(
      "after",
      exitCodes({ done: "all were accepted", failed: "one was refused or found no answer" }),
    )
    .action(async (files, options) => conclude(await run(files, options)));
}

async function run(files: readonly string[], options: SendOptions): Promise<Result<void>> {
  const target = await webhookTarget(options);
  if (!target.ok) return target;
  const { url, secret } = target.value;
  const retry = retryFor(options.giveUpAfter * 1_000);
  const sender = createSender({ urls: [url], secret, connections: 1, retry });
  let failed = 0;
  try {
    for await (const { name, body } of files.length === 0 ? samples() : payloads(files)) {
      const sent = await sender.send(body);
      console.log(options.json ? JSON.stringify({ payload: name, ...sent }) : `${name}: ${inWords(sent)}`);
      if (sent.kind !== "accepted") failed++;
    }
  } finally {
    sender.close();
  }
  return failed === 0
    ? { ok: true, value: undefined }
    : { ok: false, error: `${failed} not accepted by ${target.value.url.href}` };
}

async function* payloads(files: readonly string[]) {
  for (const file of files) {
    yield file === "-"
      ? { name: "stdin", body: await buffer(process.stdin) }
      : { name: basename(file), body: await readFile(file) };
  }
}

function inWords(sent: SendResult): string {
  switch (sent.kind) {
    case "accepted":
      return `accepted, delivery ${sent.deliveryId}`;
    case "refused":
      return `refused: ${sent.error}`;
    case "unanswered":
      return `not accepted, after ${sent.retries + 1} sends: ${sent.error}`;
  }
}
