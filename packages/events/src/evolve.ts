import type { Event } from "./event.ts";
import type { NaturalPersonEvent } from "./natural-person-events.ts";
import { compareText } from "./order.ts";
import { STATUSES, type FirstTime, type PersonState, type Status, type Time } from "./person.ts";
import { formatTicks } from "./ticks.ts";

/** A person of whom nothing has been heard. */
export function initialState(entityId: string): PersonState {
  return {
    entityId,
    name: null,
    email: null,
    status: "unknown",
    entityStatus: null,
    approval: null,
    reviewNeeded: false,
    personalInfoSubmittedAt: null,
    identityDocuments: [],
    supportingDocuments: [],
    unrecognisedEvents: 0,
    version: 0,
    firstEventAt: null,
    lastEventAt: null,
  };
}

/**
 * The state after one more event. Events must come in order (`compareOrderKeys`), each identity once: then the state
 * is a function of the set of events. Never throws: an event whose type or data this code cannot read counts as
 * unrecognised.
 */
export function evolve(state: PersonState, event: Event): PersonState {
  const at = formatTicks(event.ticks);
  const counted = {
    ...state,
    version: state.version + 1,
    firstEventAt: state.firstEventAt ?? at,
    lastEventAt: at,
  };
  return event.content === "unrecognised"
    ? { ...counted, unrecognisedEvents: state.unrecognisedEvents + 1 }
    : apply(counted, event.content, at);
}

function apply(state: PersonState, { event, data }: NaturalPersonEvent, at: Time): PersonState {
  const told = {
    ...state,
    name: data.entity ?? state.name,
    email: data.email ?? state.email,
    reviewNeeded: state.reviewNeeded || (state.approval !== null && data.isClientUpdateRequest),
  };
  switch (event) {
    case "NaturalPersonPending":
      return {
        ...told,
        status: furthest(state.status, "pending"),
        personalInfoSubmittedAt: state.personalInfoSubmittedAt ?? at,
      };
    case "NaturalPersonStartedIDUpload":
      return {
        ...told,
        status: furthest(state.status, "id-upload-started"),
        identityDocuments: withIdentityDocument(state, data, (known) => ({
          startedAt: known?.startedAt ?? at,
          uploadedAt: known?.uploadedAt ?? null,
          firstAt: known?.firstAt ?? at,
        })),
      };
    case "NaturalPersonUploadedID":
      return {
        ...told,
        status: furthest(state.status, "id-uploaded"),
        identityDocuments: withIdentityDocument(state, data, (known) => ({
          startedAt: known?.startedAt ?? null,
          uploadedAt: at,
          firstAt: known?.firstAt ?? at,
        })),
      };
    case "NaturalPersonUploadedSupportingDocument": {
      const id = data.supportingDocumentId;
      const known = state.supportingDocuments.find((document) => document.id === id);
      const uploaded = {
        id,
        type: data.supportingDocumentType ?? known?.type ?? null,
        description: data.supportingDocumentDescription ?? known?.description ?? null,
        uploadedAt: at,
        firstAt: known?.firstAt ?? at,
      };
      return {
        ...told,
        status: furthest(state.status, "documents-uploaded"),
        supportingDocuments: replaced(state.supportingDocuments, known, uploaded, (document) => [
          document.id,
        ]),
      };
    }
    case "NaturalPersonManuallyApproved":
    case "NaturalPersonAutoApproved":
      return {
        ...told,
        status: "approved",
        entityStatus: data.entityStatus,
        approval: {
          kind: event === "NaturalPersonManuallyApproved" ? "manual" : "auto",
          byName: data.userName,
          byEmail: data.userEmail,
          at,
          description: data.description,
        },
        reviewNeeded: false,
      };
  }
}

function furthest(a: Status, b: Status): Status {
  return STATUSES.indexOf(a) > STATUSES.indexOf(b) ? a : b;
}

type StoredIdentityDocument = PersonState["identityDocuments"][number];

function withIdentityDocument(
  state: PersonState,
  { documentType: type, sessionId }: { documentType: string; sessionId: string },
  times: (known?: StoredIdentityDocument) => Omit<StoredIdentityDocument, "type" | "sessionId">,
): PersonState["identityDocuments"] {
  const known = state.identityDocuments.find(
    (document) => document.type === type && document.sessionId === sessionId,
  );
  const next = { type, sessionId, ...times(known) };
  return replaced(state.identityDocuments, known, next, (document) => [document.type, document.sessionId]);
}

/** The documents with `next` in `known`'s place; a new one goes where its first time, then its key, puts it. */
function replaced<D extends FirstTime>(
  documents: readonly D[],
  known: D | undefined,
  next: D,
  keyOf: (document: D) => readonly string[],
): readonly D[] {
  if (known !== undefined) return documents.with(documents.indexOf(known), next);
  const key = keyOf(next);
  const before = documents.findLastIndex(
    (document) => document.firstAt < next.firstAt || compareTexts(keyOf(document), key) < 0,
  );
  return documents.toSpliced(before + 1, 0, next);
}

function compareTexts(a: readonly string[], b: readonly string[]): number {
  return a.reduce((order, text, i) => order || compareText(text, b[i] ?? ""), 0);
}
