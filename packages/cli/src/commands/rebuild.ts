import type { Result } from "@dossier/service";
import type { RebuildChange, RebuildResult } from "@dossier/store";
import { findDatabaseUrl, OWNER_ENVIRONMENT } from "../database-url.ts";
import { print, printJson } from "../terminal/print.ts";
import { startProgress } from "../terminal/progress.ts";
import { formatCount } from "../terminal/table.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";
import { withOwner } from "./owner.ts";

/** The exit code of a dry run that found something to change. */
const WOULD_CHANGE = 3;

/** Persons listed one by one; all are counted, and `--json` lists all. */
const LISTED = 20;

export const rebuildCommand = createCommand("rebuild")
  .summary("fold every person's state anew from the log")
  .description(
    joinParagraphs(
      `Folds the whole log with this version's code, beside the live projection and while events keep arriving, and
      then replaces the projection at once. For after an update that knows new types of events. If interrupted, it
      leaves nothing behind: start it again.`,
      OWNER_ENVIRONMENT,
    ),
  )
  .option("--dry-run", "change nothing, and list the persons that would change")
  .option("--show-values", "show the values before and after, which are personal data; the audit log says so")
  .option("--json", "print one JSON object for each person that changes, and one for the whole")
  .addHelpText(
    "after",
    formatExitCodes({
      success: "it is done",
      failure: "it failed or was interrupted, and nothing has changed",
    }),
  )
  .addHelpText("after", `  ${WOULD_CHANGE}  of --dry-run: some persons would change`)
  .action(async (options) => reportResult(await runRebuild(options)));

interface RebuildFlags {
  readonly dryRun?: boolean;
  readonly showValues?: boolean;
  readonly json?: boolean;
}

async function runRebuild(options: RebuildFlags): Promise<Result<void>> {
  const { dryRun = false, showValues = false, json = false } = options;
  const url = await findDatabaseUrl("owner");
  if (!url.ok) return url;
  if (showValues) {
    const { appendCommandAudit } = await import("@dossier/store");
    const detail = { command: "rebuild --show-values" };
    const audited = await withOwner((pool) => appendCommandAudit(pool, { action: "revealed", detail }));
    if (!audited.ok) return audited;
  }
  const listed: string[] = [];
  let persons = 0;
  const result = await rebuildWithProgress(url.value, dryRun, (change) => {
    if (json) printJson(showValues ? change : withoutValues(change));
    else if (persons++ < LISTED) listed.push(...formatChange(change, showValues));
  });
  if (json) printJson({ dryRun, ...result });
  else print(...listed, ...summarise(result, dryRun));
  if (dryRun && result.added + result.changed + result.removed > 0) process.exitCode = WOULD_CHANGE;
  return { ok: true, value: undefined };
}

/** Rebuilds, and shows how far it is. Ctrl-C interrupts it cleanly. */
async function rebuildWithProgress(
  databaseUrl: string,
  dryRun: boolean,
  onChange: (change: RebuildChange) => void,
): Promise<RebuildResult> {
  const { rebuild } = await import("@dossier/store");
  const abort = new AbortController();
  const onSignal = () => abort.abort(new Error("interrupted; nothing has changed"));
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  using progress = startProgress("folding", 0);
  try {
    return await rebuild(databaseUrl, {
      dryRun,
      signal: abort.signal,
      onProgress: ({ events, totalEvents }) => progress.update(events, totalEvents),
      onChange,
    });
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

function withoutValues({ entityId, kind, differences }: RebuildChange): unknown {
  return { entityId, kind, paths: differences.map(({ path }) => path) };
}

function formatChange(
  { entityId, kind, differences }: RebuildChange,
  showValues: boolean,
): readonly string[] {
  const lines = differences.map(({ path, before, after }) =>
    showValues ? `  ${path}: ${JSON.stringify(before)} → ${JSON.stringify(after)}` : `  ${path}`,
  );
  return [`${kind} ${entityId}`, ...lines];
}

function summarise(
  { events, persons, added, changed, removed, caughtUp }: RebuildResult,
  dryRun: boolean,
): readonly string[] {
  const unlisted = added + changed + removed - LISTED;
  const counts = `changed ${formatCount(changed)}, added ${formatCount(added)}, removed ${formatCount(removed)}`;
  return [
    ...(unlisted > 0 ? [`… and ${formatCount(unlisted)} more persons`] : []),
    `folded ${formatCount(events)} events of ${formatCount(persons)} persons`,
    dryRun
      ? `dry run, nothing changed: ${counts}`
      : `${counts}; ${formatCount(caughtUp)} were folded again, as they changed meanwhile`,
  ];
}
