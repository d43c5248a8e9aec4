import type { BulkActionAnswer, BulkActionPage, BulkFailurePage } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole, fetchItems, type ConsoleClient } from "../../console-client.ts";
import { print, printJson } from "../../terminal/print.ts";
import { formatCount, formatTable, formatTime } from "../../terminal/table.ts";
import { createCommand, formatExitCodes, integerParser, joinParagraphs, reportResult } from "../command.ts";

const parseId = integerParser(1, 2_147_483_647);

export const bulkCommand = createCommand("bulk")
  .summary("show how far bulk actions are, or abort one")
  .description(
    joinParagraphs(
      `Lists the bulk actions, the latest first: decisions about all that a filter selected, which the console carries
      out in the background. With an id, shows one, and the deliveries with which it did not succeed.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .argument("[bulkActionId]", "the bulk action", parseId)
  .option("--abort", "end it after the batch at hand; what was decided stays")
  .option(
    "--limit <number>",
    "how many bulk actions, or failures of one, to list at most",
    integerParser(1, 1_000_000),
    50,
  )
  .option("--json", "print JSON")
  .addHelpText(
    "after",
    formatExitCodes({
      success: "it is printed; --abort: it is aborted",
      failure: "there is none with this id, or it was completed before the abort",
    }),
  )
  .action(async (id, options) => reportResult(await bulk(id, options)));

async function bulk(
  id: number | undefined,
  { abort, limit, json }: { readonly abort?: true; readonly limit: number; readonly json?: true },
): Promise<Result<void>> {
  if (abort && id === undefined) return { ok: false, error: "Say which: --abort takes a bulk action's id." };
  const client = await connectConsole();
  if (!client.ok) return client;
  if (id === undefined) {
    const { items: found } = await fetchItems<BulkActionPage>(client.value, "bulk-actions", {}, limit + 1);
    const items = found.slice(0, limit);
    if (json) printJson({ items });
    else print(...formatList(items), ...(found.length > limit ? ["there are more; --limit lists them"] : []));
  } else {
    const found = await fetchOne(client.value, id, limit, abort);
    if (json) printJson(found);
    else print(...formatOne(found));
  }
  return { ok: true, value: undefined };
}

type BulkActionWithFailures = BulkActionAnswer & { readonly failures: BulkFailurePage["items"] };

async function fetchOne(
  client: ConsoleClient,
  id: number,
  limit: number,
  abort = false,
): Promise<BulkActionWithFailures> {
  const found = abort
    ? await client.post<BulkActionAnswer>(`bulk-actions/${id}/abort`, {})
    : await client.get<BulkActionAnswer>(`bulk-actions/${id}`);
  const { items } = await fetchItems<BulkFailurePage>(client, `bulk-actions/${id}/failures`, {}, limit);
  return { ...found, failures: items };
}

function formatList(items: readonly BulkActionAnswer[]): readonly string[] {
  if (items.length === 0) return ["no bulk actions"];
  const rows = items.map((item) => [
    String(item.bulkActionId),
    formatTime(item.createdAt),
    item.action,
    item.state,
    formatProgress(item),
    item.createdBy,
    item.reason,
  ]);
  return formatTable([["ID", "MADE AT", "ACTION", "STATE", "DONE", "BY", "BECAUSE"], ...rows], [0]);
}

function formatOne({ failures, ...found }: BulkActionWithFailures): readonly string[] {
  const { bulkActionId, action, state, reason, decided, missed, queueMissed } = found;
  const unlisted = missed + queueMissed - failures.length;
  const selected = Object.entries(found.filter).map(([field, value]) => `${field}=${value}`);
  return [
    `bulk action ${bulkActionId}: ${action}, ${state}, ${formatProgress(found)}`,
    `selected: ${selected.join(", ") || "all"}`,
    `made ${formatTime(found.createdAt)} by ${found.createdBy}: ${reason}`,
    ...(found.confirmedAt ? [`confirmed ${formatTime(found.confirmedAt)} by ${found.confirmedBy}`] : []),
    ...(found.endedAt
      ? [`${state} ${formatTime(found.endedAt)}${found.abortedBy ? ` by ${found.abortedBy}` : ""}`]
      : []),
    ...(found.error ? [`error: ${found.error}`] : []),
    `decided ${formatCount(decided)}, changed meanwhile ${formatCount(missed)}, not taken by the queue ${formatCount(queueMissed)}`,
    ...failures.map(({ deliveryId, failure }) => `${deliveryId}  ${failure}`),
    ...(unlisted > 0 ? [`… and ${formatCount(unlisted)} more; --limit lists them`] : []),
  ];
}

function formatProgress({ decided, missed, total }: BulkActionAnswer): string {
  return `${formatCount(decided + missed)} of ${formatCount(total)}`;
}
