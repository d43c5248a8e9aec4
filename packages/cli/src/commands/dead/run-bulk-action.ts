import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { BulkActionAnswer } from "@dossier/console";
import type { ConsoleClient } from "../../console-client.ts";
import { printError } from "../../terminal/print.ts";
import { startProgress } from "../../terminal/progress.ts";

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/**
 * Has the console decide about all that a filter selects, and shows how far it is. Returns the bulk action at its end.
 * The action runs on if this process ends before.
 *
 * @param action the decision's name in the API
 */
export async function runBulkAction(
  client: ConsoleClient,
  action: string,
  body: object,
): Promise<BulkActionAnswer> {
  let found = await client.post<BulkActionAnswer>(`dead-letters/${action}`, body);
  const { bulkActionId, total } = found;
  const runsOn = `bulk action ${bulkActionId} runs on in the console: \`dossier dead bulk ${bulkActionId}\` shows how far it is, --abort stops it`;
  using progress = startProgress(action, total);
  const onInterrupt = () => {
    progress[Symbol.dispose]();
    printError(runsOn);
    process.exit(128 + constants.signals.SIGINT);
  };
  process.once("SIGINT", onInterrupt);
  try {
    let pauseMs = FIRST_PAUSE_MS;
    while (found.state === "running") {
      await delay(pauseMs);
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
      found = await client.get<BulkActionAnswer>(`bulk-actions/${bulkActionId}`);
      progress.update(found.decided + found.missed, total);
    }
    return found;
  } catch (error) {
    throw new Error(runsOn, { cause: error });
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}
