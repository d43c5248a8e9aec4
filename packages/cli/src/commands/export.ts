import { open, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { version, type Result } from "@dossier/service";
import { recordConfig } from "../config.ts";
import { print } from "../terminal/stdout.ts";
import { command, conclude, exitCodes, paragraphs } from "./command.ts";

export function exportCommand() {
  return command("export")
    .summary("write one person's evidence to a file of its own")
    .description(
      paragraphs(
        `Writes all that is kept of one person: every delivery's exact bytes, every entry of the log with its hash,
        the chain's head, what failed and what people did, and the file that follows. One JSON object a line.
        \`dossier verify FILE\` checks it on any machine, with no database. It holds personal data.`,
        "Environment: DATABASE_URL, or DATABASE_URL_FILE.",
      ),
    )
    .argument("<entityId>", "the person")
    .option("--output <file>", "where to; - is stdout. A file that exists is not overwritten", "-")
    .addHelpText(
      "after",
      exitCodes({ done: "it is written", failed: "the person is not known, or it could not be written" }),
    )
    .action(async (entityId, { output }) => conclude(await run(entityId, output)));
}

async function run(entityId: string, output: string): Promise<Result<void>> {
  const config = recordConfig();
  if (!config.ok) return config;
  const { exportEvidence, findPerson, openPool } = await import("@dossier/store");
  const pool = openPool(config.value.DATABASE_URL, { name: "dossier-export", size: 1 });
  try {
    if ((await findPerson(pool, entityId)) === undefined) {
      return { ok: false, error: `No event is known of the person ${entityId}.` };
    }
    const lines = exportEvidence(pool, entityId, version);
    if (output === "-") await print(withLineFeeds(lines));
    else await writeFile(output, lines);
    return { ok: true, value: undefined };
  } finally {
    await pool.end();
  }
}

async function writeFile(output: string, lines: AsyncIterable<string>): Promise<void> {
  const file = await open(output, "wx", 0o600);
  try {
    await pipeline(withLineFeeds(lines), file.createWriteStream());
  } catch (error) {
    // Half a file of evidence is none.
    await rm(output, { force: true });
    throw error;
  }
}

async function* withLineFeeds(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
