import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { version, type Result } from "@dossier/service";
import type { Finding, Verification } from "@dossier/store";
import { recordConfig } from "../config.ts";
import { startProgress } from "../terminal/progress.ts";
import { count } from "../terminal/table.ts";
import { command, conclude, exitCodes, paragraphs } from "./command.ts";

/** A person whom another version folded in another way may be forged as well: this one cannot tell. */
const PERSON_NOT_CHECKED = 3;
const WITHOUT_PERSON =
  "the chain and the deliveries are as they were written; the person's file was NOT checked";

export function verifyCommand() {
  return command("verify")
    .summary("check that the evidence is as it was written")
    .description(
      paragraphs(
        `Checks every person's chain of hashes against the log's rows and the deliveries' bytes, and that inbox and
        log agree on what was settled. Names the first row that does not fit of each kind. Reads one moment, while
        the services go on; its memory does not grow with the log.`,
        `With a FILE, checks what \`dossier export\` wrote, from the file alone, with no database.`,
        `Environment, without a FILE: DATABASE_URL, or DATABASE_URL_FILE.`,
      ),
    )
    .argument("[file]", "an evidence file; - is stdin")
    .option(
      "--person <entityId>",
      "this person alone, without what is still open (default: all, and that nothing is missing)",
    )
    .option("--json", "print what was found as JSON")
    .addHelpText("after", exitCodes({ done: "all is as it was written", failed: "something does not fit" }))
    .addHelpText(
      "after",
      `  ${PERSON_NOT_CHECKED}  of a FILE: all but the person is, whom another version folded in another way`,
    )
    .action(async (file, { person, json = false }) => conclude(await run(file, person, json)));
}

async function run(
  file: string | undefined,
  entityId: string | undefined,
  json: boolean,
): Promise<Result<void>> {
  const verified = file === undefined ? await verifyRecord(entityId) : await verifyFile(file);
  if (!verified.ok) return verified;
  const { findings, notes, persons, events, redeliveries, deliveries } = verified.value;
  if (json) console.log(JSON.stringify(verified.value));
  else {
    for (const finding of findings) console.log(inWords(finding));
    for (const note of notes) console.log(`note: ${note}`);
    const sizes = [
      `${count(persons)} persons`,
      `${count(events)} events`,
      `${count(redeliveries)} redeliveries`,
      `${count(deliveries)} deliveries`,
    ];
    console.log(`checked ${sizes.join(", ")}`);
  }
  if (findings.length > 0) return { ok: false, error: "The evidence is NOT as it was written." };
  if (persons === 0 && (file !== undefined || entityId !== undefined)) {
    return { ok: false, error: "There is nothing of this person to verify." };
  }
  if (notes.length > 0) process.exitCode = PERSON_NOT_CHECKED;
  if (!json) console.log(notes.length > 0 ? WITHOUT_PERSON : "all is as it was written");
  return { ok: true, value: undefined };
}

async function verifyRecord(entityId: string | undefined): Promise<Result<Verification>> {
  const config = recordConfig();
  if (!config.ok) return config;
  const { openPool, verify } = await import("@dossier/store");
  const pool = openPool(config.value.DATABASE_URL, { name: "dossier-verify", size: 1 });
  const progress = startProgress("verifying", 0);
  try {
    const onProgress = (checked: number, entries: number) => progress.reach(checked, entries);
    const value = await verify(pool, { onProgress, ...(entityId !== undefined && { entityId }) });
    return { ok: true, value };
  } finally {
    progress.end();
    await pool.end();
  }
}

async function verifyFile(file: string): Promise<Result<Verification>> {
  const { verifyEvidence } = await import("@dossier/store");
  const input = file === "-" ? process.stdin : createReadStream(file);
  if (file !== "-") await once(input, "open");
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const value = await verifyEvidence(lines, version);
  if (value.events + value.deliveries > 0) return { ok: true, value };
  const what = file === "-" ? "stdin" : file;
  return {
    ok: false,
    error: `${what} is no evidence: it holds no event and no delivery, as \`dossier export\` writes them.`,
  };
}

function inWords({ check, rows, first }: Finding): string {
  const { expected, found, ...where } = first;
  const place = Object.entries(where).map(([name, value]) => `${name} ${value}`);
  if (rows > 1) place.push(`and ${count(rows - 1)} more`);
  const heading = place.length === 0 ? check : `${check}: ${place.join(", ")}`;
  return `${heading}\n  expected ${expected}\n  found    ${found}`;
}
