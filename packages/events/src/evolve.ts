import { compareText, type Event } from "./event.ts";
import type { NaturalPersonEvent } from "./natural-person-events.ts";
import { STATUSES, type FirstTime, type PersonState, type Status, type Time } from "./person.ts";
import { formatTicks } from "./ticks.ts";

/**
 * The version of the fold. Raise it with every change that lets the same log give another row of the projection: another
 * state, or other searchable text (`toSearchable`). A new event type is such a change. Then `dossier rebuild` is needed.
 * A test compares it with a digest over the fold of the samples.
 */
export const FOLD_VERSION = 1;

/** Returns the state of a person without events. */
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
 * Returns the state after one more event. Events must come in order (`compareOrderKeys`), each identity once: then the
 * state is a function of the set of events. Never throws: an event whose type or data this code cannot read counts as
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
  const next = {
    ...state,
    name: data.entity ?? state.name,
    email: data.email ?? state.email,
    reviewNeeded: state.reviewNeeded || (state.approval !== null && data.isClientUpdateRequest),
  };
  switch (event) {
    case "NaturalPersonPending":
      return {
        ...next,
        status: furthest(state.status, "pending"),
        personalInfoSubmittedAt: state.personalInfoSubmittedAt ?? at,
      };
    case "NaturalPersonStartedIDUpload":
      return {
        ...next,
        status: furthest(state.status, "id-upload-started"),
        identityDocuments: withIdentityDocument(state, data, (known) => ({
          startedAt: known?.startedAt ?? at,
          uploadedAt: known?.uploadedAt ?? null,
          firstAt: known?.firstAt ?? at,
        })),
      };
    case "NaturalPersonUploadedID":
      return {
        ...next,
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
        ...next,
        status: furthest(state.status, "documents-uploaded"),
        supportingDocuments: withDocument(state.supportingDocuments, known, uploaded, (document) => [
          document.id,
        ]),
      };
    }
    case "NaturalPersonManuallyApproved":
    case "NaturalPersonAutoApproved":
      return {
        ...next,
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

type IdentityDocumentState = PersonState["identityDocuments"][number];

function withIdentityDocument(
  state: PersonState,
  { documentType: type, sessionId }: { documentType: string; sessionId: string },
  timesOf: (known?: IdentityDocumentState) => Omit<IdentityDocumentState, "type" | "sessionId">,
): PersonState["identityDocuments"] {
  const known = state.identityDocuments.find(
    (document) => document.type === type && document.sessionId === sessionId,
  );
  const next = { type, sessionId, ...timesOf(known) };
  return withDocument(state.identityDocuments, known, next, (document) => [
    document.type,
    document.sessionId,
  ]);
}

/**
 * Returns the documents with `document` in place of `known`, or, if that is `undefined`, inserted. Documents are in the
 * order of their first times, then of their keys.
 */
function withDocument<D extends FirstTime>(
  documents: readonly D[],
  known: D | undefined,
  document: D,
  keyOf: (document: D) => readonly string[],
): readonly D[] {
  if (known !== undefined) return documents.with(documents.indexOf(known), document);
  const key = keyOf(document);
  const before = documents.findLastIndex(
    (other) => other.firstAt < document.firstAt || compareKeys(keyOf(other), key) < 0,
  );
  return documents.toSpliced(before + 1, 0, document);
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  return a.reduce((order, text, i) => order || compareText(text, b[i] ?? ""), 0);
}
