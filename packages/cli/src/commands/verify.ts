import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Result } from "@dossier/service";
import { version } from "@dossier/service/version";
import type { EvidenceVerification, FileProtection, Finding } from "@dossier/store";
import { DATABASE_ENVIRONMENT, findDatabaseUrl } from "../database-url.ts";
import { print, printJson } from "../terminal/print.ts";
import { startProgress } from "../terminal/progress.ts";
import { formatCount } from "../terminal/table.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";

/** The exit code for persons folded by another version: this one cannot check their state. */
const PERSON_NOT_CHECKED = 3;

const REBUILD_NEEDED: Finding["check"] = "rebuild-needed";

export const verifyCommand = createCommand("verify")
  .summary("check that the evidence is as it was written")
  .description(
    joinParagraphs(
      `Checks every person's hash chain against the log's rows and the deliveries' bytes, every person's state against
      the log, the change feed, dead letters and decisions against their chains, and that inbox and log agree on what
      was settled. Names the first row of each kind that does not match. Reads one snapshot while the services go on,
      in memory for one person's events.`,
      `With a FILE, checks what \`dossier export\` wrote, from the file alone, without a database.`,
      DATABASE_ENVIRONMENT,
    ),
  )
  .argument("[file]", "an evidence file; - is stdin")
  .option(
    "--person <entityId>",
    "this person only: the log, dead letters and open deliveries (default: all, and that nothing is missing)",
  )
  .option("--json", "print the findings as JSON")
  .addHelpText(
    "after",
    formatExitCodes({ success: "everything is as it was written", failure: "something does not match" }),
  )
  .addHelpText(
    "after",
    `  ${PERSON_NOT_CHECKED}  as 0, but states were folded by another version, and not checked; of a database: rebuild needed`,
  )
  .action(async (file, { person, json = false }) => reportResult(await runVerify(file, person, json)));

async function runVerify(
  file: string | undefined,
  entityId: string | undefined,
  json: boolean,
): Promise<Result<void>> {
  const verified = file === undefined ? await verifyDatabase(entityId) : await verifyFile(file);
  if (!verified.ok) return verified;
  const { findings, notes, persons, events, redeliveries, deliveries, unsealed } = verified.value;
  if (json) printJson(verified.value);
  else {
    for (const finding of findings) print(...formatFinding(finding));
    for (const note of notes) print(`note: ${note}`);
    const counts = [
      `${formatCount(persons)} persons`,
      `${formatCount(events)} events`,
      `${formatCount(redeliveries)} redeliveries`,
      `${formatCount(deliveries)} deliveries`,
    ];
    print(`checked ${counts.join(", ")}`);
    for (const line of formatOpen(verified.value.openDeliveries)) print(line);
    if (unsealed > 0) print(`${formatCount(unsealed)} dead letters and decisions are not sealed yet`);
    for (const line of formatProtection(verified.value.file)) print(line);
  }
  const rebuildNeeded = findings.some(({ check }) => check === REBUILD_NEEDED);
  if (findings.some(({ check }) => check !== REBUILD_NEEDED))
    return { ok: false, error: "The evidence is NOT as it was written." };
  if (persons === 0 && deliveries === 0 && (file !== undefined || entityId !== undefined)) {
    return { ok: false, error: "There is nothing to verify about this person." };
  }
  const notChecked = notes.length > 0 || rebuildNeeded;
  if (notChecked) process.exitCode = PERSON_NOT_CHECKED;
  if (!json) {
    print(
      rebuildNeeded
        ? "what is chained is as it was written; the states above were NOT checked: run dossier rebuild, and verify again"
        : notChecked
          ? "the chain and the deliveries are as they were written; the person's state was NOT checked"
          : "everything is as it was written",
    );
  }
  return { ok: true, value: undefined };
}

async function verifyDatabase(entityId: string | undefined): Promise<Result<EvidenceVerification>> {
  const url = await findDatabaseUrl("reader");
  if (!url.ok) return url;
  const { openPool, verifyEvidence } = await import("@dossier/store");
  const pool = openPool(url.value, { name: "dossier-verify", size: 2 });
  using progress = startProgress("verifying", 0);
  try {
    const onProgress = (checked: number, total: number) => progress.update(checked, total);
    const value = await verifyEvidence(pool, { onProgress, ...(entityId !== undefined && { entityId }) });
    return { ok: true, value };
  } finally {
    await pool.end();
  }
}

async function verifyFile(file: string): Promise<Result<EvidenceVerification>> {
  const { verifyEvidenceFile } = await import("@dossier/store");
  const input = file === "-" ? process.stdin : createReadStream(file);
  if (file !== "-") await once(input, "open");
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const value = await verifyEvidenceFile(lines, version);
  if (value.events + value.deliveries > 0) return { ok: true, value };
  const name = file === "-" ? "stdin" : file;
  return {
    ok: false,
    error: `${name} is no evidence: it holds no event and no delivery, as \`dossier export\` writes them.`,
  };
}

/** Says what the log does not have yet. */
function formatOpen(open: EvidenceVerification["openDeliveries"]): readonly string[] {
  if (open === undefined) return [];
  const searched = open.all
    ? ""
    : `, among the newest ${formatCount(open.searched)} open ones, which were searched`;
  return [`${formatCount(open.found)} of these deliveries are open, and not in the log yet${searched}`];
}

/** Says what of a file a chain covers, and what whoever rewrites the file can change. */
function formatProtection(file: FileProtection | undefined): readonly string[] {
  if (file === undefined) return [];
  const { chainedUpTo, digestedOnly } = file;
  const kinds = Object.entries(digestedOnly).map(([kind, count]) => `${kind} ×${formatCount(count)}`);
  return [
    `chained: the entries and their deliveries, up to ${chainedUpTo ?? "no hash"}. The file is the database's if ` +
      "streams.hash of this person was the same there",
    `only digested, so not protected from who rewrites the whole file: ${["settlements", ...kinds].join(", ")}`,
  ];
}

function formatFinding({ check, rows, first }: Finding): readonly string[] {
  const { expected, found, ...row } = first;
  const location = Object.entries(row).map(([name, value]) => `${name} ${value}`);
  if (rows > 1) location.push(`and ${formatCount(rows - 1)} more`);
  const heading = location.length === 0 ? check : `${check}: ${location.join(", ")}`;
  return [heading, `  expected ${expected}`, `  found    ${found}`];
}
