import { compare, formatTicks, type History, type HistoryEvent } from "./history.ts";
import { isDocumented } from "./payload.ts";
import { STATUS_AFTER, STATUSES, type Status } from "./status.ts";

/** A person's state as the API shows it. Times are UTC with seven fractional digits; what is not known is `null`. */
export type ExpectedPerson = {
  readonly entityId: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly status: Status;
  readonly entityStatus: string | null;
  readonly approval: {
    readonly kind: "manual" | "auto";
    readonly byName: string | null;
    readonly byEmail: string | null;
    readonly at: string;
    readonly description: string | null;
  } | null;
  readonly reviewNeeded: boolean;
  readonly personalInfoSubmittedAt: string | null;
  readonly identityDocuments: readonly {
    readonly type: string;
    readonly sessionId: string;
    readonly startedAt: string | null;
    readonly uploadedAt: string | null;
  }[];
  readonly supportingDocuments: readonly {
    readonly id: string;
    readonly type: string | null;
    readonly description: string | null;
    readonly uploadedAt: string;
  }[];
  readonly unrecognisedEvents: number;
  readonly version: number;
  readonly firstEventAt: string | null;
  readonly lastEventAt: string | null;
};

/**
 * Returns the state that a person must reach when all webhooks are settled. Each field is looked up in the history, as
 * the contract's sentences define it: on purpose no fold, and no code of what is under test.
 */
export function expectedPerson({ entityId, events }: History): ExpectedPerson {
  const known = events.filter(({ event }) => isDocumented(event));
  const approval = known.findLast(isApproval);
  const afterApproval = approval === undefined ? [] : known.slice(known.indexOf(approval) + 1);
  return {
    entityId,
    name: known.findLast(({ data }) => data.entity !== undefined)?.data.entity ?? null,
    email: known.findLast(({ data }) => data.email !== undefined)?.data.email ?? null,
    status: STATUSES.findLast((status) => known.some((event) => statusAfter(event) === status)) ?? "unknown",
    entityStatus: approval?.data.entityStatus ?? null,
    approval: approval === undefined ? null : approvalOf(approval),
    reviewNeeded: afterApproval.some(({ data }) => data.isClientUpdateRequest === true),
    personalInfoSubmittedAt: timeOf(known.find(({ event }) => event === "NaturalPersonPending")),
    identityDocuments: identityDocuments(known),
    supportingDocuments: supportingDocuments(known),
    unrecognisedEvents: events.length - known.length,
    version: events.length,
    firstEventAt: timeOf(events.at(0)),
    lastEventAt: timeOf(events.at(-1)),
  };
}

function isApproval({ event }: HistoryEvent): boolean {
  return event === "NaturalPersonManuallyApproved" || event === "NaturalPersonAutoApproved";
}

function statusAfter({ event }: HistoryEvent): Status | null {
  return isDocumented(event) ? STATUS_AFTER[event] : null;
}

function approvalOf({ event, ticks, data }: HistoryEvent): ExpectedPerson["approval"] {
  return {
    kind: event === "NaturalPersonManuallyApproved" ? "manual" : "auto",
    byName: data.userName ?? null,
    byEmail: data.userEmail ?? null,
    at: formatTicks(ticks),
    description: data.description ?? null,
  };
}

function identityDocuments(known: readonly HistoryEvent[]): ExpectedPerson["identityDocuments"] {
  const uploads = known.filter(({ data }) => data.documentType !== undefined);
  return groupByDocument(uploads, ({ data }) => [data.documentType ?? "", data.sessionId ?? ""]).map(
    ({ key: [type = "", sessionId = ""], events }) => ({
      type,
      sessionId,
      startedAt: timeOf(events.find(({ event }) => event === "NaturalPersonStartedIDUpload")),
      uploadedAt: timeOf(events.findLast(({ event }) => event === "NaturalPersonUploadedID")),
    }),
  );
}

function supportingDocuments(known: readonly HistoryEvent[]): ExpectedPerson["supportingDocuments"] {
  const uploads = known.filter(({ data }) => data.supportingDocumentId !== undefined);
  return groupByDocument(uploads, ({ data }) => [data.supportingDocumentId ?? ""]).map(
    ({ key: [id = ""], last: { data, ticks } }) => ({
      id,
      type: data.supportingDocumentType ?? null,
      description: data.supportingDocumentDescription ?? null,
      uploadedAt: formatTicks(ticks),
    }),
  );
}

type Document = {
  readonly key: readonly string[];
  readonly events: readonly HistoryEvent[];
  readonly first: HistoryEvent;
  readonly last: HistoryEvent;
};

/** Returns the events of each document, the documents ordered by their first time, then by their key. */
function groupByDocument(
  events: readonly HistoryEvent[],
  keyOf: (event: HistoryEvent) => readonly string[],
): Document[] {
  const byKey = new Map<string, Document>();
  for (const event of events) {
    const key = keyOf(event);
    const known = byKey.get(key.join("\0"));
    byKey.set(key.join("\0"), {
      key,
      events: [...(known?.events ?? []), event],
      first: known?.first ?? event,
      last: event,
    });
  }
  return [...byKey]
    .toSorted(([a, { first }], [b, other]) => compare(first.ticks, other.first.ticks) || compare(a, b))
    .map(([, document]) => document);
}

function timeOf(event: HistoryEvent | undefined): string | null {
  return event === undefined ? null : formatTicks(event.ticks);
}
