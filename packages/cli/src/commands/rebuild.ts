import type { Result } from "@dossier/service";
import type { RebuildChange, RebuildResult } from "@dossier/store";
import { ownerConfig } from "../config.ts";
import { startProgress } from "../terminal/progress.ts";
import { count } from "../terminal/table.ts";
import { command, conclude, exitCodes, paragraphs } from "./command.ts";

/** Persons that are told of one by one; all are counted, and `--json` tells of all. */
const TOLD = 20;

export function rebuildCommand() {
  return command("rebuild")
    .summary("fold every person's file anew from the log")
    .description(
      paragraphs(
        `Folds the whole log by this version's code, beside the live files and while events keep arriving, and then
        puts the result in their place at once. For after an update that knows new types of events. Interrupted, it
        leaves nothing behind: start it again.`,
        `Environment: MIGRATION_DATABASE_URL, as the role that owns the tables (default: DATABASE_URL). Each also as
        NAME_FILE.`,
      ),
    )
    .option("--dry-run", "change nothing, and say which persons would change")
    .option("--show-values", "say what the values were and would be, which are personal data")
    .option("--json", "print one JSON object for each person who changes, and one for the whole")
    .addHelpText("after", exitCodes({ done: "it is done", failed: "it is not, and nothing has changed" }))
    .action(async (options) => conclude(await run(options)));
}

interface Options {
  readonly dryRun?: boolean;
  readonly showValues?: boolean;
  readonly json?: boolean;
}

async function run({ dryRun = false, showValues = false, json = false }: Options): Promise<Result<void>> {
  const config = ownerConfig();
  if (!config.ok) return config;
  const { DATABASE_URL, MIGRATION_DATABASE_URL = DATABASE_URL } = config.value;
  const { rebuild } = await import("@dossier/store");
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Error("interrupted; nothing has changed"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const progress = startProgress("folding", 0);
  let told = 0;
  try {
    const rebuilt = await rebuild(MIGRATION_DATABASE_URL, {
      dryRun,
      signal: interrupted.signal,
      onProgress: ({ events, totalEvents }) => progress.reach(events, totalEvents),
      onChange(change) {
        if (json) console.log(JSON.stringify(showValues ? change : withoutValues(change)));
        else if (told++ < TOLD) console.log(inWords(change, showValues));
      },
    });
    progress.end();
    console.log(json ? JSON.stringify({ dryRun, ...rebuilt }) : summary(rebuilt, dryRun));
    return { ok: true, value: undefined };
  } finally {
    progress.end();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

function withoutValues({ entityId, kind, differences }: RebuildChange): unknown {
  return { entityId, kind, paths: differences.map(({ path }) => path) };
}

function inWords({ entityId, kind, differences }: RebuildChange, showValues: boolean): string {
  const lines = differences.map(({ path, before, after }) =>
    showValues ? `  ${path}: ${JSON.stringify(before)} → ${JSON.stringify(after)}` : `  ${path}`,
  );
  return [`${kind} ${entityId}`, ...lines].join("\n");
}

function summary(
  { events, persons, added, changed, removed, caughtUp }: RebuildResult,
  dryRun: boolean,
): string {
  const differing = added + changed + removed;
  return [
    ...(differing > TOLD ? [`… and ${count(differing - TOLD)} more persons`] : []),
    `folded ${count(events)} events of ${count(persons)} persons`,
    `${dryRun ? "would change" : "changed"} ${count(changed)}, ${dryRun ? "add" : "added"} ${count(added)}, ${dryRun ? "remove" : "removed"} ${count(removed)}`,
    ...(dryRun ? [] : [`switched; ${count(caughtUp)} were folded again as they changed meanwhile`]),
  ].join("\n");
}
