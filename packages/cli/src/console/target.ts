import type { Result } from "@dossier/service";
import { clientConfig } from "../config.ts";
import { findTrial } from "../trial.ts";
import { consoleClient, type ConsoleClient } from "./client.ts";

/** The console that a command reads: as the caller says, else the environment, else the trial of `up`. */
export async function consoleTarget(said: { console?: URL }): Promise<Result<ConsoleClient>> {
  const config = clientConfig();
  if (!config.ok) return config;
  const { CONSOLE_PORT, DOSSIER_API_TOKEN, DOSSIER_DATA_DIR } = config.value;
  const token = DOSSIER_API_TOKEN ?? (await findTrial(DOSSIER_DATA_DIR))?.apiToken;
  return {
    ok: true,
    value: consoleClient(said.console ?? new URL(`http://127.0.0.1:${CONSOLE_PORT}`), token),
  };
}
