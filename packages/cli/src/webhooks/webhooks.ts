import { readdirSync, readFileSync } from "node:fs";
import type { Result } from "@dossier/service";
import { readWebhookConfig } from "../config.ts";
import { findTrial } from "../trial.ts";

export interface WebhookTarget {
  readonly url: URL;
  /** Signs the webhooks. */
  readonly secret: string;
}

/** Returns where to send webhooks and what signs them: as the options say, else the environment, else the trial. */
export async function findWebhookTarget(options: {
  url?: URL;
  secret?: string;
}): Promise<Result<WebhookTarget>> {
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
  const url = options.url ?? new URL(`http://127.0.0.1:${INGEST_PORT}/webhooks/icomply`);
  return { ok: true, value: { url, secret } };
}

export interface Sample {
  readonly name: string;
  readonly body: Buffer;
}

/** Returns the payloads of iComply's documentation, byte for byte. */
export function readSamples(): readonly Sample[] {
  const folder = new URL("../samples/", import.meta.resolve("@dossier/events"));
  return readdirSync(folder)
    .toSorted()
    .map((name) => ({ name, body: readFileSync(new URL(name, folder)) }));
}
