import { Option } from "@commander-js/extra-typings";
import type { Result } from "@dossier/service";
import { createSender, retryFor, type Sender } from "@dossier/simulator";
import { readWebhookConfig } from "../config.ts";
import { findTrial } from "../trial.ts";
import { parseHttpUrl } from "./command.ts";

export const urlOption = new Option(
  "--url <url>",
  "where ingest takes webhooks (default: this machine, at INGEST_PORT, else the trial's port, else 8080)",
).argParser(parseHttpUrl);

export const secretOption = new Option(
  "--secret <secret>",
  "signs the webhooks; other users of this machine can see it while the command runs (default: the first of ICOMPLY_WEBHOOK_SECRETS, else the trial's in DOSSIER_DATA_DIR)",
);

export const RETRIES = `A request without an answer, or answered 408, 429 or 5xx, is retried after 0.1 to 0.2 s and then
  twice as long each time, at most 5 s.`;

export interface SenderFlags {
  readonly url?: URL;
  readonly secret?: string;
  /** For how many seconds a webhook is retried; 0 sends it once. */
  readonly giveUpAfter: number;
}

/** Returns a sender to where the options say, else the environment, else the trial. */
export async function openSender(
  options: SenderFlags,
  connections: number,
): Promise<Result<{ readonly sender: Sender; readonly url: URL }>> {
  const config = readWebhookConfig();
  if (!config.ok) return config;
  const { INGEST_PORT, ICOMPLY_WEBHOOK_SECRETS, DOSSIER_DATA_DIR } = config.value;
  const trial = await findTrial(DOSSIER_DATA_DIR);
  const secret = options.secret ?? ICOMPLY_WEBHOOK_SECRETS?.[0] ?? trial?.webhookSecret;
  if (secret === undefined) {
    return {
      ok: false,
      error: `There is no secret to sign with: give --secret, set ICOMPLY_WEBHOOK_SECRETS, or start \`dossier up\`, which generates one in ${DOSSIER_DATA_DIR}.`,
    };
  }
  const port = INGEST_PORT ?? trial?.ports.ingest ?? 8080;
  const url = options.url ?? new URL(`http://127.0.0.1:${port}/webhooks/icomply`);
  const retry = retryFor(options.giveUpAfter * 1_000);
  return { ok: true, value: { sender: createSender({ urls: [url], secret, connections, retry }), url } };
}
