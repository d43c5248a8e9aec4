import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole, type ConsoleClient } from "../../console-client.ts";
import { formatCount, formatTable } from "../../terminal/table.ts";
import {
  createCommand,
  formatExitCodes,
  integerParser,
  joinParagraphs,
  parseDeliveryId,
  reportResult,
} from "../command.ts";
import { discardCommand, redriveCommand } from "./decide.ts";
import {
  createFilterCommand,
  fetchPage,
  toFilter,
  type DeadLetterFilter,
  type DeadLetterPage,
  type FilterOptions,
} from "./select.ts";

/** Items that the API returns in one page, at most. */
const PAGE = 500;

const listCommand = createFilterCommand("list")
  .summary("list the dead letters, the latest first")
  .description(
    joinParagraphs(
      "Lists the dead letters, the latest first, and counts all that match.",
      CONSOLE_ENVIRONMENT,
    ),
  )
  .option("--limit <number>", "how many to list at most; all are counted", integerParser(1, 1_000_000), 50)
  .option("--json", "print { items, counts } as JSON")
  .addHelpText("after", formatExitCodes({ success: "the list is printed", failure: "it could not be read" }))
  .action(async (options) => reportResult(await list(options)));

const showCommand = createCommand("show")
  .summary("show everything about a dead letter")
  .description(
    joinParagraphs(
      `Shows the history of a delivery that was dead-lettered at least once, whatever became of it: why, every failed
      attempt, what operators decided, and the exact bytes, which hold personal data.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .argument("<deliveryId>", "the delivery", parseDeliveryId)
  .option("--json", "print it as JSON; the bytes as text and in base64")
  .addHelpText(
    "after",
    formatExitCodes({
      success: "it is printed",
      failure: "the delivery was never dead-lettered, or could not be read",
    }),
  )
  .action(async (deliveryId, { json = false }) => reportResult(await show(deliveryId, json)));

/** What operators do about deliveries that could not be settled. */
export const deadCommand = createCommand("dead")
  .summary("list, show, redrive or discard dead letters")
  .description(
    joinParagraphs(
      "Dead letters are deliveries that could not be settled, and wait for an operator to decide.",
    ),
  )
  .addCommand(listCommand)
  .addCommand(showCommand)
  .addCommand(redriveCommand)
  .addCommand(discardCommand);

interface ListOptions extends FilterOptions {
  readonly limit: number;
  readonly json?: true;
}

async function list({ limit, json, ...options }: ListOptions): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const found = await fetchList(client.value, toFilter(options), limit);
  console.log(json ? JSON.stringify(found) : formatList(found));
  return { ok: true, value: undefined };
}

type DeadLetterList = Pick<DeadLetterPage, "items" | "counts">;

async function fetchList(
  client: ConsoleClient,
  filter: DeadLetterFilter,
  limit: number,
): Promise<DeadLetterList> {
  const first = await fetchPage(client, filter, Math.min(PAGE, limit));
  const items = [...first.items];
  for (let cursor = first.nextCursor; cursor !== null && items.length < limit;) {
    const page = await fetchPage(client, filter, Math.min(PAGE, limit - items.length), cursor);
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return { items, counts: first.counts };
}

function formatList({ items, counts }: DeadLetterList): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total === 0) return "no dead letters";
  const rows = items.map(({ deadLetteredAt, reason, deliveryId, event, entityId }) => [
    `${deadLetteredAt.slice(0, 19)}Z`,
    reason,
    deliveryId,
    event ?? "",
    entityId ?? "",
  ]);
  const byReason = Object.entries(counts).map(([reason, count]) => `${reason} ${formatCount(count)}`);
  return [
    formatTable([["DEAD-LETTERED AT", "REASON", "DELIVERY", "EVENT", "PERSON"], ...rows]),
    "",
    `${formatCount(total)} dead letters: ${byReason.join(", ")}`,
    ...(total > items.length
      ? [`the latest ${formatCount(items.length)} are listed; --limit lists more`]
      : []),
  ].join("\n");
}

interface DeliveryHistory {
  readonly deliveryId: string;
  readonly outcome: string;
  readonly receivedAt: string;
  readonly verifiedBy: string;
  readonly secretFingerprint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly text: string; readonly base64: string };
  readonly deadLetters: readonly {
    readonly deadLetteredAt: string;
    readonly reason: string;
    readonly message: string;
    readonly issues: readonly { readonly path: string; readonly message: string }[];
    readonly event: string | null;
    readonly id: string | null;
    readonly entityId: string | null;
    readonly codeVersion: string;
  }[];
  readonly attempts: readonly {
    readonly failedAt: string;
    readonly attempt: number;
    readonly error: string;
    readonly stack: string | null;
    readonly codeVersion: string;
  }[];
  readonly decisions: readonly {
    readonly at: string;
    readonly action: string;
    readonly operator: string;
    readonly reason: string;
  }[];
}

async function show(deliveryId: string, json: boolean): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const history = await client.value.get<DeliveryHistory>(`dead-letters/${deliveryId}`);
  console.log(json ? JSON.stringify(history) : formatHistory(history));
  return { ok: true, value: undefined };
}

function formatHistory(history: DeliveryHistory): string {
  const { deliveryId, outcome, receivedAt, verifiedBy, secretFingerprint, headers, body } = history;
  const timeline = [
    ...history.deadLetters.map(
      ({ deadLetteredAt, reason, message, issues, event, id, entityId, codeVersion }) => [
        `${deadLetteredAt}  dead-lettered, ${reason}: ${message} (code ${codeVersion})`,
        ...(event === null ? [] : [`    event ${event} ${id ?? ""} of ${entityId ?? ""}`]),
        ...issues.map((issue) => `    ${issue.path}: ${issue.message}`),
      ],
    ),
    ...history.attempts.map(({ failedAt, attempt, error, stack, codeVersion }) => [
      `${failedAt}  attempt ${attempt} failed: ${error} (code ${codeVersion})`,
      ...(stack === null ? [] : [stack]),
    ]),
    ...history.decisions.map(({ at, action, operator, reason }) => [
      `${at}  ${action} by ${operator}: ${reason}`,
    ]),
  ];
  return [
    `delivery ${deliveryId}, now ${outcome}`,
    `received ${receivedAt}, verified by ${verifiedBy} (${secretFingerprint})`,
    ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`),
    "",
    // Each entry begins with its time, which sorts as text.
    ...timeline.map((lines) => lines.join("\n")).toSorted(),
    "",
    `${formatCount(Buffer.byteLength(body.base64, "base64"))} bytes:`,
    body.text,
  ].join("\n");
}
