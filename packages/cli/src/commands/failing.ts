import type { FailingDeliveryPage } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole, fetchItems } from "../console-client.ts";
import { print, printJson } from "../terminal/print.ts";
import { formatTable, formatTime } from "../terminal/table.ts";
import { createCommand, formatExitCodes, integerParser, joinParagraphs, reportResult } from "./command.ts";

export const failingCommand = createCommand("failing")
  .summary("list open deliveries that fail, and are no dead letters yet")
  .description(
    joinParagraphs(
      `Lists the open deliveries with failed attempts, those that are snoozed, and those that stopped a worker, the
      oldest first. Workers try them again by themselves.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .option("--limit <number>", "how many to list at most", integerParser(1, 1_000_000), 50)
  .option("--json", "print them as JSON")
  .addHelpText("after", formatExitCodes({ success: "the list is printed", failure: "it could not be read" }))
  .action(async ({ limit, json = false }) => reportResult(await list(limit, json)));

type FailingDelivery = FailingDeliveryPage["items"][number];

async function list(limit: number, json: boolean): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const { items, nextCursor } = await fetchItems<FailingDeliveryPage>(
    client.value,
    "failing-deliveries",
    {},
    limit,
  );
  if (json) printJson(items);
  else if (items.length === 0) print("no open delivery fails");
  else print(...formatFailing(items), ...(nextCursor === null ? [] : ["there are more; --limit lists them"]));
  return { ok: true, value: undefined };
}

function formatFailing(items: readonly FailingDelivery[]): readonly string[] {
  const rows = items.map((item) => [
    item.deliveryId,
    formatTime(item.receivedAt),
    String(item.attempts),
    formatTime(item.nextAttemptBy),
    item.snoozedUntil === null ? "" : formatTime(item.snoozedUntil),
    item.event ?? "",
    item.id ?? "",
    item.entityId ?? "",
    item.lastError ?? (item.stalls > 1 ? `stopped ${item.stalls} workers` : ""),
  ]);
  const heading = ["DELIVERY", "RECEIVED", "ATTEMPTS", "NEXT BY", "SNOOZED UNTIL"];
  return formatTable([[...heading, "EVENT", "ID", "PERSON", "LAST ERROR"], ...rows]);
}
