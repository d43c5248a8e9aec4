import type { DeliveryQueue } from "@dossier/queue";
import type { Result } from "@dossier/service";
import type { Decision, Pool } from "@dossier/store";
import { recordConfig } from "../../config.ts";
import { count } from "../../terminal/table.ts";
import { conclude, exitCodes, paragraphs } from "../command.ts";
import {
  chosen,
  concluded,
  decisionCommand,
  decisionOf,
  inSteps,
  type Chosen,
  type DecisionOptions,
} from "./decision.ts";
import { ENVIRONMENT, withRecord } from "./record.ts";
import { rehearsal } from "./rehearsal.ts";

export function redriveCommand() {
  return decisionCommand("redrive")
    .summary("give dead letters another try, or dryRunRedrive it")
    .description(
      paragraphs(
        `Opens dead letters again, with all their attempts, and enqueues each alone. With --dry-run, runs them
        through this code in a transaction that is rolled back, and shows what would change for each person and
        what would fail again.`,
        ENVIRONMENT,
      ),
    )
    .addHelpText(
      "after",
      exitCodes({
        done: "all that were meant are open again; result: all would be settled",
        failed: "one that was named is not dead, or none fits; result: one would fail again",
      }),
    )
    .action(async (deliveryIds, options) => conclude(await run(deliveryIds, options)));
}

async function run(deliveryIds: readonly string[], options: DecisionOptions): Promise<Result<void>> {
  const which = chosen(deliveryIds, options);
  if (!which.ok) return which;
  const { json = false } = options;
  if (options.dryRun) return withRecord((pool) => rehearsal(pool, which.value, json));
  const config = recordConfig();
  if (!config.ok) return config;
  const decision = decisionOf(options, config.value.USER);
  if (!decision.ok) return decision;
  return withRecord((pool, queue) => redriveAll(pool, queue, which.value, decision.value, json));
}

async function redriveAll(
  pool: Pool,
  queue: DeliveryQueue,
  which: Chosen,
  by: Decision,
  json: boolean,
): Promise<Result<void>> {
  const { redrive } = await import("@dossier/store");
  let redriven = 0;
  let notEnqueued = 0;
  await inSteps(pool, which, "redriving", async (deliveryIds) => {
    const reopened = await redrive(pool, deliveryIds, by);
    redriven += reopened.length;
    await queue.redrive(reopened).catch(() => (notEnqueued += reopened.length));
  });
  if (json) console.log(JSON.stringify({ redriven, notEnqueued }));
  else console.log(`${count(redriven)} redriven`);
  if (notEnqueued > 0) {
    process.stderr.write(
      `warning: the queue took no jobs for up to ${count(notEnqueued)} of them; workers find them by themselves within 30 s of its return\n`,
    );
  }
  return concluded(which, redriven);
}
