import type { Result } from "@dossier/service";
import { clientConfig } from "../config.ts";
import { findTrial } from "../trial.ts";

export interface WebhookTarget {
  readonly url: URL;
  readonly secret: string;
}

/** Where webhooks go and what signs them: as the caller says, else the environment, else the trial of `up`. */
export async function webhookTarget(said: { url?: URL; secret?: string }): Promise<Result<WebhookTarget>> {
  const config = clientConfig();
  if (!config.ok) return config;
  const { INGEST_PORT, ICOMPLY_WEBHOOK_SECRETS, DOSSIER_DATA_DIR } = config.value;
  const trial = await findTrial(DOSSIER_DATA_DIR);
  const secret = said.secret ?? ICOMPLY_WEBHOOK_SECRETS?.[0] ?? trial?.webhookSecret;
  if (secret === undefined) {
    return {
      ok: false,
      error: `There is no secret to sign with: give --secret, set ICOMPLY_WEBHOOK_SECRETS, or start \`dossier up\`, which makes one up in ${DOSSIER_DATA_DIR}.`,
    };
  }
  const url = said.url ?? new URL(`http://127.0.0.1:${INGEST_PORT}/webhooks/icomply`);
  return { ok: true, value: { url, secret } };
}
