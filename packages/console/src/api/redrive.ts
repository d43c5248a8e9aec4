import type { DeliveryQueue } from "@dossier/queue";
import { describeError, type ErrorDescription, type Logger } from "@dossier/service";
import { redrive, dryRunRedrive, type Decision, type Pool, type DryRunResult } from "@dossier/store";

/** The deliveries of a bulk action, a transaction's worth at a time. */
export type Pages = AsyncIterable<readonly { readonly deliveryId: string }[]>;

/** DryRunResult deliveries that an answer tells of one by one; all are counted. */
const MAX_TOLD = 1_000;

/** Opens dead deliveries again and enqueues them; gives how many were dead. */
export async function redriveAll(
  { pool, queue, log }: { readonly pool: Pool; readonly queue: DeliveryQueue; readonly log: Logger },
  pages: Pages,
  by: Decision,
): Promise<number> {
  let redriven = 0;
  for await (const page of pages) {
    const reopened = await redrive(pool, idsOf(page), by);
    // A queue that is away loses nothing.
    await queue.redrive(reopened).catch((err: unknown) => {
      log.warn({ err, deliveries: reopened.length }, "redriven, but not enqueued: the sweeper will");
    });
    redriven += reopened.length;
  }
  return redriven;
}

export type Told =
  | Exclude<DryRunResult, { readonly outcome: "failed" }>
  | { readonly deliveryId: string; readonly outcome: "failed"; readonly error: ErrorDescription };

/** Finds out what a redrive would do, and changes nothing. */
export async function dryRunAll(
  pool: Pool,
  pages: Pages,
): Promise<{ readonly outcomes: Readonly<Record<string, number>>; readonly items: readonly Told[] }> {
  const outcomes: Record<string, number> = {};
  const items: Told[] = [];
  for await (const page of pages) {
    for (const result of await dryRunRedrive(pool, idsOf(page))) {
      outcomes[result.outcome] = (outcomes[result.outcome] ?? 0) + 1;
      if (items.length < MAX_TOLD) items.push(told(result));
    }
  }
  return { outcomes, items };
}

function told(result: DryRunResult): Told {
  const { deliveryId } = result;
  if (result.outcome === "failed")
    return { deliveryId, outcome: "failed", error: describeError(result.error) };
  if (result.outcome !== "dead-lettered") return result;
  const { reason, message } = result;
  return { deliveryId, outcome: "dead-lettered", reason, message };
}

function idsOf(page: readonly { readonly deliveryId: string }[]): string[] {
  return page.map(({ deliveryId }) => deliveryId);
}
