import type { PersonDeliveryPage } from "@dossier/console";
import type { DeadLetterReason, Person, Status } from "@dossier/events";
import { formatAttempts } from "../delivery-history.ts";

const APPROVAL = "NaturalPersonManuallyApproved or NaturalPersonAutoApproved";

const NEXT_STEP: Readonly<Record<Status, string>> = {
  unknown: "waits for NaturalPersonPending",
  pending: "waits for NaturalPersonStartedIDUpload",
  "id-upload-started": "waits for NaturalPersonUploadedID",
  "id-uploaded": `waits for NaturalPersonUploadedSupportingDocument, ${APPROVAL}`,
  "documents-uploaded": `waits for ${APPROVAL}`,
  approved: "nothing has to happen",
};

/** Returns what would have to happen for the person's next step. */
export function adviseOnPerson(person: Person | null): readonly string[] {
  if (person === null) return ["one of the deliveries below must be settled, or another event must arrive"];
  const { status, reviewNeeded, unrecognisedEvents } = person;
  return [
    reviewNeeded ? `the person sent an update after the approval: waits for ${APPROVAL}` : NEXT_STEP[status],
    ...(unrecognisedEvents === 0
      ? []
      : [
          `${unrecognisedEvents} events have unknown types: dossier rebuild, after an update that knows them`,
        ]),
  ];
}

const REDRIVE = "after an update that settles it, dossier dead redrive";

const REMEDIES: Readonly<Record<DeadLetterReason, string>> = {
  unparsable: `iComply must send it again; or, ${REDRIVE}; or dossier dead discard`,
  "invalid-event": `iComply must send it again; or, ${REDRIVE}; or dossier dead discard`,
  "conflicting-duplicate": "ask iComply which of both is right; dossier dead discard keeps the first",
  "fold-failed": `report the stack that dossier delivery shows; ${REDRIVE}`,
  stalled: `its bytes may stop workers: report it; ${REDRIVE}`,
};

/** Returns why a delivery is not in the file, and what would have to happen. */
export function adviseOnDelivery({
  status,
  open,
  lastDeadLetter,
}: PersonDeliveryPage["items"][number]): readonly string[] {
  if (open !== null) return adviseOnOpen(open);
  if (lastDeadLetter === null) return [];
  const { reason, message } = lastDeadLetter;
  const remedy = status === "discarded" ? "dossier dead restore undoes the discard" : REMEDIES[reason];
  return [`${reason}: ${message}`, `→ ${remedy}`];
}

function adviseOnOpen(open: NonNullable<PersonDeliveryPage["items"][number]["open"]>): readonly string[] {
  if (open.snoozedUntil !== null)
    return [...formatAttempts(open), "→ find out why Postgres cannot settle it; then it settles by itself"];
  if (open.attempts > 0 || open.stalls > 0)
    return [...formatAttempts(open), "→ workers try it again, and dead-letter it after the last attempt"];
  return ["→ waits for a worker: dossier status shows the backlog"];
}
