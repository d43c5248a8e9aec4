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

export function discardCommand() {
  return decisionCommand("discard")
    .summary("set dead letters aside for good")
    .description(
      paragraphs(
        `Sets dead letters aside: nobody is asked about them again, and they cannot be redriven. They stay readable
        with \`dossier dead show\`.`,
        ENVIRONMENT,
      ),
    )
    .addHelpText(
      "after",
      exitCodes({
        done: "all that were meant are discarded",
        failed: "one that was named is not dead, or none fits",
      }),
    )
    .action(async (deliveryIds, options) => conclude(await run(deliveryIds, options)));
}

async function run(deliveryIds: readonly string[], options: DecisionOptions): Promise<Result<void>> {
  const which = chosen(deliveryIds, options);
  if (!which.ok) return which;
  const { json = false, dryRun = false } = options;
  if (dryRun) return withRecord((pool) => countOnly(pool, which.value, json));
  const config = recordConfig();
  if (!config.ok) return config;
  const decision = decisionOf(options, config.value.USER);
  if (!decision.ok) return decision;
  return withRecord((pool, queue) => discardAll(pool, queue, which.value, decision.value, json));
}

async function countOnly(pool: Pool, which: Chosen, json: boolean): Promise<Result<void>> {
  const { findDeadLettered } = await import("@dossier/store");
  let dead = 0;
  await inSteps(pool, which, "counting", async (deliveryIds) => {
    dead += (await findDeadLettered(pool, deliveryIds)).size;
  });
  console.log(json ? JSON.stringify({ dryRun: true, discarded: dead }) : `${count(dead)} would be discarded`);
  return concluded(which, dead);
}

async function discardAll(
  pool: Pool,
  queue: DeliveryQueue,
  which: Chosen,
  by: Decision,
  json: boolean,
): Promise<Result<void>> {
  const { discard } = await import("@dossier/store");
  let discarded = 0;
  let jobsLeft = 0;
  await inSteps(pool, which, "discarding", async (deliveryIds) => {
    const aside = await discard(pool, deliveryIds, by);
    discarded += aside.length;
    await queue.remove(aside).catch(() => (jobsLeft += aside.length));
  });
  console.log(json ? JSON.stringify({ discarded, jobsLeft }) : `${count(discarded)} discarded`);
  if (jobsLeft > 0) {
    process.stderr.write(
      `warning: the queue could not be told: up to ${count(jobsLeft)} failed jobs stay in it, and mean nothing\n`,
    );
  }
  return concluded(which, discarded);
}
