import type { Result } from "@dossier/service";
import type { DeadLetterSummary } from "@dossier/store";
import { count, table } from "../../terminal/table.ts";
import { conclude, exitCodes, paragraphs } from "../command.ts";
import { wholeNumber } from "../values.ts";
import { filteredCommand, filterOf, type FilterOptions } from "./filter.ts";
import { ENVIRONMENT, withRecord } from "./record.ts";

interface ListOptions extends FilterOptions {
  readonly limit: number;
  readonly json?: true;
}

export function listCommand() {
  return filteredCommand("list")
    .summary("list the dead letters, the latest first")
    .description(
      paragraphs("Lists the dead letters, the latest first, and counts all that fit.", ENVIRONMENT),
    )
    .option(
      "--limit <number>",
      "how many are listed at the most; all are counted",
      wholeNumber(1, 1_000_000),
      50,
    )
    .option("--json", "print { items, counts } as JSON")
    .addHelpText("after", exitCodes({ done: "the list was read", failed: "it could not be" }))
    .action(async (options) => conclude(await run(options)));
}

function run({ limit, json, ...options }: ListOptions): Promise<Result<void>> {
  return withRecord(async (pool) => {
    const { countDeadLetters, listDeadLetters } = await import("@dossier/store");
    const filter = filterOf(options);
    const [letters, counts] = await Promise.all([
      listDeadLetters(pool, filter, { limit }),
      countDeadLetters(pool, filter),
    ]);
    if (json)
      console.log(JSON.stringify({ items: letters.map(({ cursor: _, ...letter }) => letter), counts }));
    else print(letters, counts);
    return { ok: true, value: undefined };
  });
}

function print(letters: readonly DeadLetterSummary[], counts: Readonly<Record<string, number>>): void {
  const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
  if (letters.length > 0) {
    const rows = letters.map(({ deadLetteredAt, reason, deliveryId, event, entityId }) => [
      `${deadLetteredAt.slice(0, 19)}Z`,
      reason,
      deliveryId,
      event ?? "",
      entityId ?? "",
    ]);
    console.log(table([["DIED AT", "REASON", "DELIVERY", "EVENT", "ENTITY"], ...rows]));
    console.log();
  }
  const byReason = Object.entries(counts).map(([reason, one]) => `${reason} ${count(one)}`);
  console.log(all === 0 ? "no dead letters" : `${count(all)} dead: ${byReason.join(", ")}`);
  if (all > letters.length) console.log(`the latest ${count(letters.length)} are shown; --limit shows more`);
}
