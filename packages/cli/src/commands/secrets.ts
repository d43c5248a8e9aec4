import type { SystemAnswer } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole } from "../console-client.ts";
import { print, printJson } from "../terminal/print.ts";
import { formatTable, formatTime } from "../terminal/table.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";

type Secret = SystemAnswer["secrets"][number];

const STATES: Readonly<Record<Secret["state"], string>> = {
  unused: "accepted; not used yet",
  "in-use": "in use",
  "safe-to-remove": "safe to remove",
  removed: "removed",
};

export const secretsCommand = createCommand("secrets")
  .summary("list the webhook secrets' first and last use, and which is safe to remove")
  .description(
    joinParagraphs(
      `Lists the webhook secrets that ingest accepts, or that ever verified a delivery, by their fingerprints: the first
      characters of the secret's SHA-256. One is safe to remove once another one has verified deliveries for a day in
      which it verified none.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .option("--json", "print them as JSON")
  .addHelpText("after", formatExitCodes({ success: "the list is printed", failure: "it could not be read" }))
  .action(async ({ json = false }) => reportResult(await list(json)));

async function list(json: boolean): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const { secrets } = await client.value.get<SystemAnswer>("system");
  if (json) printJson(secrets);
  else if (secrets.length === 0) print("no ingest is alive, and no webhook was ever accepted");
  else print(...formatSecrets(secrets));
  return { ok: true, value: undefined };
}

function formatSecrets(secrets: readonly Secret[]): readonly string[] {
  const format = (time: string | null) => (time === null ? "never" : formatTime(time));
  const rows = secrets.map(({ fingerprint, state, firstUsedAt, lastUsedAt }) => [
    fingerprint,
    STATES[state],
    format(firstUsedAt),
    format(lastUsedAt),
  ]);
  return formatTable([["FINGERPRINT", "STATE", "FIRST USE", "LAST USE"], ...rows]);
}
