import type { Check, Logger } from "@dossier/service";
import { findRebuildNeed, type Pool, type RebuildNeed } from "@dossier/store";
import { ShutdownError, type OutagePause } from "./outage-pause.ts";

/** How long an answer serves all probes: to count all persons takes a second for some million of them. */
const MAX_AGE_MS = 60_000;

/**
 * Returns a check whether the projection is what this code folds the log to; it is not after an update, until
 * `dossier rebuild`. It runs once at the start, and then at most once a minute, as often as readiness is asked for. Logs
 * when a rebuild becomes needed. Waits for the end of an outage.
 */
export function createRebuildCheck(pool: Pool, outagePause: OutagePause, log: Logger): Check {
  let last: { readonly at: number; readonly need: Promise<RebuildNeed> } | undefined;
  let isNeeded = false;

  async function find(): Promise<RebuildNeed> {
    try {
      const need = await outagePause.run(() => findRebuildNeed(pool));
      const { needed, ...counts } = need;
      if (needed && !isNeeded)
        log.warn({ code: "rebuild-needed", ...counts }, "the projection needs `dossier rebuild`");
      isNeeded = needed;
      return need;
    } catch (err) {
      last = undefined;
      if (!(err instanceof ShutdownError))
        log.error({ code: "rebuild-need-unknown", err }, "cannot find whether a rebuild is needed");
      throw err;
    }
  }

  async function check(): Promise<void> {
    const now = performance.now();
    if (last === undefined || now - last.at > MAX_AGE_MS) last = { at: now, need: find() };
    const { needed, outdatedPersons, unfoldedPersons } = await last.need;
    if (!needed) return;
    throw new Error(
      `run \`dossier rebuild\`: persons that another version folded: ${outdatedPersons} (counted up to 1,000), not folded: ${unfoldedPersons}`,
    );
  }

  void check().catch(() => undefined);
  return check;
}
