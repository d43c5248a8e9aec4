import type { PersonDeliveryPage } from "@dossier/console";
import type { Person } from "@dossier/events";
import { formatTable, formatTime } from "../../terminal/table.ts";
import { adviseOnDelivery, adviseOnPerson } from "./advice.ts";

/** What is known of a person, each list the latest first. */
export interface PersonCase {
  readonly entityId: string;
  /** `null` if no event of the person is in the log. */
  readonly person: Person | null;
  readonly open: PersonDeliveryPage;
  readonly deadLettered: PersonDeliveryPage;
  readonly discarded: PersonDeliveryPage;
  /** Whatever became of them. */
  readonly latest: PersonDeliveryPage;
}

export function formatCase(found: PersonCase): readonly string[] {
  const { entityId, person, open, deadLettered, discarded, latest } = found;
  const unsettled = [open, deadLettered, discarded];
  return [
    ...(person === null ? [`${entityId}: no file, as no event is in the log`] : formatPerson(person)),
    ...adviseOnPerson(person).map((advice) => `→ ${advice}`),
    "",
    "NOT IN THE FILE",
    ...formatUnsettled(unsettled),
    ...formatSearch(latest),
    "",
    "RECEIVED, THE LATEST FIRST",
    ...formatTable(
      latest.items.map(({ receivedAt, status, event, id, creationTimeUtc, deliveryId }) => [
        formatTime(receivedAt),
        status,
        event ?? "",
        id ?? "",
        creationTimeUtc === null ? "" : `of ${formatTime(creationTimeUtc)}`,
        deliveryId,
      ]),
    ),
    ...(latest.nextCursor === null ? [] : ["… and earlier ones"]),
  ];
}

function formatPerson(person: Person): readonly string[] {
  const { entityId, name, email, status, entityStatus, approval, reviewNeeded, version } = person;
  const times = [person.firstEventAt, person.lastEventAt].map((time) =>
    time === null ? "?" : formatTime(time),
  );
  return [
    [entityId, name, email].filter((part) => part !== null).join(", "),
    `status ${status}${entityStatus === null ? "" : `, at iComply ${entityStatus}`}${reviewNeeded ? ", review needed" : ""}`,
    ...(approval === null
      ? []
      : [
          `approved (${approval.kind}) at ${formatTime(approval.at)} by ${approval.byName ?? "nobody named"}`,
        ]),
    `events ${version}, from ${times.join(" to ")}`,
  ];
}

function formatUnsettled(lists: readonly PersonDeliveryPage[]): readonly string[] {
  const lines = lists.flatMap(({ items, nextCursor }) => [
    ...items.flatMap((delivery) => [
      [delivery.status, delivery.deliveryId, delivery.event ?? "", delivery.id ?? ""].join("  ").trimEnd(),
      ...adviseOnDelivery(delivery).map((advice) => `    ${advice}`),
    ]),
    ...(nextCursor === null ? [] : [`… and further ones that are ${items[0]?.status}`]),
  ]);
  return lines.length === 0 ? ["nothing"] : lines;
}

function formatSearch({ openDeliveriesSearched: { searched, all } }: PersonDeliveryPage): readonly string[] {
  return all ? [] : [`only the newest ${searched} open deliveries were searched; there are more`];
}
