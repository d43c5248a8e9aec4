import type { Person } from "@dossier/events";
import { compare, type History, type Occurrence } from "./history.ts";
import { isDocumented } from "./payload.ts";
import { utc } from "./ticks.ts";

/**
 * A person's file as it must read once every send has been taken in: the contract's sentences, one
 * by one, asked of the true history. On purpose no fold, and nothing of the code under test.
 */
export function expected({ entityId, occurrences }: History): Person {
  const known = occurrences.filter(({ event }) => isDocumented(event));
  const approval = known.findLast(isApproval);
  const afterApproval = approval === undefined ? [] : known.slice(known.indexOf(approval) + 1);
  return {
    entityId,
    name: known.findLast(({ data }) => data.entity !== undefined)?.data.entity ?? null,
    email: known.findLast(({ data }) => data.email !== undefined)?.data.email ?? null,
    status: furthest(known),
    entityStatus: approval?.data.entityStatus ?? null,
    approval: approval === undefined ? null : approvalOf(approval),
    reviewNeeded: afterApproval.some(({ data }) => data.isClientUpdateRequest === true),
    personalInfoSubmittedAt: time(known.find(({ event }) => event === "NaturalPersonPending")),
    identityDocuments: identityDocuments(known),
    supportingDocuments: supportingDocuments(known),
    unrecognisedEvents: occurrences.length - known.length,
    version: occurrences.length,
    firstEventAt: time(occurrences.at(0)),
    lastEventAt: time(occurrences.at(-1)),
  };
}

function isApproval({ event }: Occurrence): boolean {
  return event === "NaturalPersonManuallyApproved" || event === "NaturalPersonAutoApproved";
}

function furthest(known: readonly Occurrence[]): Person["status"] {
  const happened = (name: string): boolean => known.some(({ event }) => event === name);
  if (known.some(isApproval)) return "approved";
  if (happened("NaturalPersonUploadedSupportingDocument")) return "documents-uploaded";
  if (happened("NaturalPersonUploadedID")) return "id-uploaded";
  if (happened("NaturalPersonStartedIDUpload")) return "id-upload-started";
  if (happened("NaturalPersonPending")) return "pending";
  return "unknown";
}

function approvalOf({ event, at, data }: Occurrence): Person["approval"] {
  return {
    kind: event === "NaturalPersonManuallyApproved" ? "manual" : "auto",
    byName: data.userName ?? null,
    byEmail: data.userEmail ?? null,
    at: utc(at),
    description: data.description ?? null,
  };
}

function identityDocuments(known: readonly Occurrence[]): Person["identityDocuments"] {
  const told = known.filter(({ data }) => data.documentType !== undefined);
  return documents(told, ({ data }) => [data.documentType ?? "", data.sessionId ?? ""]).map(
    ({ key: [type = "", sessionId = ""], told }) => ({
      type,
      sessionId,
      startedAt: time(told.find(({ event }) => event === "NaturalPersonStartedIDUpload")),
      uploadedAt: time(told.findLast(({ event }) => event === "NaturalPersonUploadedID")),
    }),
  );
}

function supportingDocuments(known: readonly Occurrence[]): Person["supportingDocuments"] {
  const told = known.filter(({ data }) => data.supportingDocumentId !== undefined);
  return documents(told, ({ data }) => [data.supportingDocumentId ?? ""]).map(
    ({ key: [id = ""], last: { data, at } }) => ({
      id,
      type: data.supportingDocumentType ?? null,
      description: data.supportingDocumentDescription ?? null,
      uploadedAt: utc(at),
    }),
  );
}

type Document = {
  readonly key: readonly string[];
  readonly told: readonly Occurrence[];
  readonly first: Occurrence;
  readonly last: Occurrence;
};

/** What was told of each document, the documents sorted by their first time, then by their key. */
function documents(
  told: readonly Occurrence[],
  keyOf: (occurrence: Occurrence) => readonly string[],
): Document[] {
  const byKey = new Map<string, Document>();
  for (const occurrence of told) {
    const key = keyOf(occurrence);
    const known = byKey.get(key.join("\0"));
    byKey.set(key.join("\0"), {
      key,
      told: [...(known?.told ?? []), occurrence],
      first: known?.first ?? occurrence,
      last: occurrence,
    });
  }
  return [...byKey]
    .toSorted(([a, { first }], [b, other]) => compare(first.at, other.first.at) || compare(a, b))
    .map(([, document]) => document);
}

function time(occurrence: Occurrence | undefined): string | null {
  return occurrence === undefined ? null : utc(occurrence.at);
}
