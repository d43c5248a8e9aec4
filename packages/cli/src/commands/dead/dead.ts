import type { DeadLetterPage } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole, fetchItems } from "../../console-client.ts";
import { print, printJson } from "../../terminal/print.ts";
import { formatCount, formatTable, formatTime } from "../../terminal/table.ts";
import { createCommand, formatExitCodes, integerParser, joinParagraphs, reportResult } from "../command.ts";
import { bulkCommand } from "./bulk.ts";
import { discardCommand } from "./discard.ts";
import { redriveCommand } from "./redrive.ts";
import { restoreCommand } from "./restore.ts";
import { createFilterCommand, sumCounts, toFilter, type FilterOptions } from "./select.ts";
import { showCommand } from "./show.ts";

const listCommand = createFilterCommand("list")
  .summary("list the dead letters, the latest first")
  .description(
    joinParagraphs(
      "Lists the dead letters, the latest first, and counts all that match.",
      CONSOLE_ENVIRONMENT,
    ),
  )
  .option("--discarded", "list the discarded ones instead, with who discarded them and why")
  .option("--limit <number>", "how many to list at most; all are counted", integerParser(1, 1_000_000), 50)
  .option("--json", "print { items, counts } as JSON")
  .addHelpText("after", formatExitCodes({ success: "the list is printed", failure: "it could not be read" }))
  .action(async (options) => reportResult(await list(options)));

/** What operators do about deliveries that could not be settled. */
export const deadCommand = createCommand("dead")
  .summary("list, show, redrive, discard or restore dead letters")
  .description(
    joinParagraphs(
      "Dead letters are deliveries that could not be settled, and wait for an operator to decide.",
    ),
  )
  .addCommand(listCommand)
  .addCommand(showCommand)
  .addCommand(redriveCommand)
  .addCommand(discardCommand)
  .addCommand(restoreCommand)
  .addCommand(bulkCommand);

interface ListOptions extends FilterOptions {
  readonly discarded?: true;
  readonly limit: number;
  readonly json?: true;
}

async function list({ discarded, limit, json, ...options }: ListOptions): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const query = { ...toFilter(options), status: discarded && "discarded" };
  const { items, counts } = await fetchItems<DeadLetterPage>(
    client.value,
    "dead-letters/search",
    query,
    limit,
  );
  if (json) printJson({ items, counts });
  else print(...formatList(items, counts, discarded ? "discarded deliveries" : "dead letters"));
  return { ok: true, value: undefined };
}

function formatList(
  items: DeadLetterPage["items"],
  counts: DeadLetterPage["counts"],
  what: "dead letters" | "discarded deliveries",
): readonly string[] {
  const total = sumCounts(counts);
  if (total === 0) return [`no ${what}`];
  const rows = items.map(({ deadLetteredAt, reason, deliveryId, event, id, entityId, message, discard }) => [
    formatTime(deadLetteredAt),
    reason,
    deliveryId,
    event ?? "",
    id ?? "",
    entityId ?? "",
    message,
    ...(discard === null ? [] : [`${discard.decidedBy}: ${discard.reason}`]),
  ]);
  const heading = ["DEAD-LETTERED AT", "REASON", "DELIVERY", "EVENT", "ID", "PERSON", "MESSAGE"];
  if (what === "discarded deliveries") heading.push("DISCARDED BY");
  const byReason = Object.entries(counts).map(([reason, count]) => `${reason} ${formatCount(count)}`);
  return [
    ...formatTable([heading, ...rows]),
    "",
    `${formatCount(total)} ${what}: ${byReason.join(", ")}`,
    ...(total > items.length
      ? [`the latest ${formatCount(items.length)} are listed; --limit lists more`]
      : []),
  ];
}
