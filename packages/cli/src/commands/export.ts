import { open, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Result } from "@dossier/service";
import { version } from "@dossier/service/version";
import { DATABASE_ENVIRONMENT, findDatabaseUrl } from "../database-url.ts";
import { writeStdout } from "../terminal/stdout.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";

export const exportCommand = createCommand("export")
  .summary("write the evidence about one person to a file")
  .description(
    joinParagraphs(
      `Writes what is kept about one person, one JSON object a line: every delivery's exact bytes, every
      entry of the log with its hash, the chain's head, failed attempts, what operators decided, and the resulting
      state. \`dossier verify FILE\` checks it on any machine, without a database. It holds personal data, and that it is
      exported is in the audit log first. Which open deliveries are the person's is known by parsing alone: it looks
      through the newest 1,000.`,
      DATABASE_ENVIRONMENT,
    ),
  )
  .argument("<entityId>", "the person")
  .option("--output <file>", "where to; - is stdout. An existing file is not overwritten", "-")
  .addHelpText(
    "after",
    formatExitCodes({
      success: "it is written",
      failure: "the person is not known, or it could not be written",
    }),
  )
  .action(async (entityId, { output }) => reportResult(await exportPerson(entityId, output)));

async function exportPerson(entityId: string, output: string): Promise<Result<void>> {
  const url = await findDatabaseUrl("reader");
  if (!url.ok) return url;
  const { appendCommandAudit, countPersonDeliveries, exportEvidence, findPerson, openPool } =
    await import("@dossier/store");
  const pool = openPool(url.value, { name: "dossier-export", size: 1 });
  try {
    const { open, deadLettered, discarded } = await countPersonDeliveries(pool, entityId);
    const unlogged = open + deadLettered + discarded;
    if (unlogged === 0 && (await findPerson(pool, entityId)) === undefined) {
      return { ok: false, error: `No event and no delivery is known of the person ${entityId}.` };
    }
    const detail = { command: "export", what: "evidence" };
    await appendCommandAudit(pool, { action: "exported", subject: entityId, detail });
    const lines = exportEvidence(pool, entityId, version);
    if (output === "-") await writeStdout(withLineFeeds(lines));
    else await writeNewFile(output, lines);
    return { ok: true, value: undefined };
  } finally {
    await pool.end();
  }
}

async function writeNewFile(path: string, lines: AsyncIterable<string>): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await pipeline(withLineFeeds(lines), file.createWriteStream());
  } catch (error) {
    // An incomplete file is no evidence.
    await rm(path, { force: true });
    throw error;
  }
}

async function* withLineFeeds(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
