import type { Logger } from "@dossier/service";
import { findRebuildNeed, type Pool } from "@dossier/store";
import { ShutdownError, type OutagePause } from "./outage-pause.ts";

/** Logs if the projection needs a rebuild, as after an update. Waits for the end of an outage, and never rejects. */
export async function announceRebuild(pool: Pool, outagePause: OutagePause, log: Logger): Promise<void> {
  try {
    const { needed, ...counts } = await outagePause.run(() => findRebuildNeed(pool));
    if (needed) log.warn({ code: "rebuild-needed", ...counts }, "the projection needs `dossier rebuild`");
  } catch (err) {
    if (err instanceof ShutdownError) return;
    log.error({ code: "rebuild-need-unknown", err }, "cannot find whether a rebuild is needed");
  }
}

/** For `/readyz`: rejects if the projection needs a rebuild. */
export async function checkRebuild(pool: Pool): Promise<void> {
  const { needed, outdatedPersons, unfoldedPersons } = await findRebuildNeed(pool);
  if (!needed) return;
  throw new Error(
    `run \`dossier rebuild\`: persons that another version folded: ${outdatedPersons}, not folded: ${unfoldedPersons} (counted up to 1,000)`,
  );
}
