import type { PersonDeliveryPage } from "@dossier/console";
import type { Person } from "@dossier/events";
import type { Result } from "@dossier/service";
import {
  CONSOLE_ENVIRONMENT,
  connectConsole,
  fetchListPage,
  type ConsoleClient,
} from "../../console-client.ts";
import { print, printJson } from "../../terminal/print.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "../command.ts";
import { formatCase, type PersonCase } from "./format.ts";

/** Deliveries that each part lists, so that all of it fits on one screen. */
const LISTED = 10;

export const whyCommand = createCommand("why")
  .summary("explain why a person's file is as it is")
  .description(
    joinParagraphs(
      `Shows on one screen a person's state, the deliveries that are not in it (open, failing, snoozed, dead-lettered or
      discarded) with what would have to happen to each, and what was received last.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .argument("<person>", "the person's id at iComply")
  .option("--json", "print it as JSON")
  .addHelpText(
    "after",
    formatExitCodes({
      success: "it is printed",
      failure: "nothing is known of the person, or it could not be read",
    }),
  )
  .action(async (person, { json = false }) => reportResult(await explain(person, json)));

async function explain(entityId: string, json: boolean): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const found = await fetchCase(client.value, entityId);
  if (found.person === null && found.latest.items.length === 0)
    return { ok: false, error: await describeUnknown(client.value, entityId) };
  if (json) printJson(found);
  else print(...formatCase(found));
  return { ok: true, value: undefined };
}

async function fetchCase(client: ConsoleClient, entityId: string): Promise<PersonCase> {
  const fetchDeliveries = (status?: string) =>
    fetchListPage<PersonDeliveryPage>(client, "deliveries", { entityId, status }, LISTED);
  const [persons, open, deadLettered, discarded, latest] = await Promise.all([
    fetchListPage<{ items: readonly Person[] }>(client, "natural-persons", { entityId }, 1),
    fetchDeliveries("open"),
    fetchDeliveries("dead-lettered"),
    fetchDeliveries("discarded"),
    fetchDeliveries(),
  ]);
  return { entityId, person: persons.items[0] ?? null, open, deadLettered, discarded, latest };
}

/** Returns that nothing is known, and the persons whom the text may mean. */
async function describeUnknown(client: ConsoleClient, text: string): Promise<string> {
  const found = fetchListPage<{ items: readonly Person[] }>(client, "natural-persons/search", { q: text }, 5);
  const { items } = await found;
  const similar = items.map(({ entityId, name }) => (name === null ? entityId : `${entityId} (${name})`));
  const hint =
    similar.length === 0 ? "" : ` Persons whose name, e-mail or id contains it: ${similar.join(", ")}.`;
  return `Nothing is known of a person with the id ${text}.${hint}`;
}
