import { Documents } from "./documents.ts";
import type { Event } from "./event.ts";
import type { NaturalPersonEvent } from "./natural-person-events.ts";
import { STATUSES, type PersonState, type Status, type Time } from "./person.ts";
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
  return evolveAll(state, [event]);
}

/** Returns the state after further events, in time linear in their number. */
export function evolveAll(state: PersonState, events: readonly Event[]): PersonState {
  const documents: PersonDocuments = {
    identity: new Documents(state.identityDocuments, ({ type, sessionId }) => [type, sessionId]),
    supporting: new Documents(state.supportingDocuments, ({ id }) => [id]),
  };
  const next = events.reduce((before, event) => addEvent(before, event, documents), state);
  return {
    ...next,
    identityDocuments: documents.identity.toArray(),
    supportingDocuments: documents.supporting.toArray(),
  };
}

interface PersonDocuments {
  readonly identity: Documents<PersonState["identityDocuments"][number]>;
  readonly supporting: Documents<PersonState["supportingDocuments"][number]>;
}

/** Changes the documents in place; those in the state stay as they were. */
function addEvent(state: PersonState, event: Event, documents: PersonDocuments): PersonState {
  const at = formatTicks(event.ticks);
  const counted = {
    ...state,
    version: state.version + 1,
    firstEventAt: state.firstEventAt ?? at,
    lastEventAt: at,
  };
  return event.content === "unrecognised"
    ? { ...counted, unrecognisedEvents: state.unrecognisedEvents + 1 }
    : apply(counted, event.content, at, documents);
}

function apply(
  state: PersonState,
  { event, data }: NaturalPersonEvent,
  at: Time,
  { identity, supporting }: PersonDocuments,
): PersonState {
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
    case "NaturalPersonStartedIDUpload": {
      const { documentType: type, sessionId } = data;
      identity.put([type, sessionId], (known) => ({
        type,
        sessionId,
        startedAt: known?.startedAt ?? at,
        uploadedAt: known?.uploadedAt ?? null,
        firstAt: known?.firstAt ?? at,
      }));
      return { ...next, status: furthest(state.status, "id-upload-started") };
    }
    case "NaturalPersonUploadedID": {
      const { documentType: type, sessionId } = data;
      identity.put([type, sessionId], (known) => ({
        type,
        sessionId,
        startedAt: known?.startedAt ?? null,
        uploadedAt: at,
        firstAt: known?.firstAt ?? at,
      }));
      return { ...next, status: furthest(state.status, "id-uploaded") };
    }
    case "NaturalPersonUploadedSupportingDocument": {
      const id = data.supportingDocumentId;
      supporting.put([id], (known) => ({
        id,
        type: data.supportingDocumentType ?? known?.type ?? null,
        description: data.supportingDocumentDescription ?? known?.description ?? null,
        uploadedAt: at,
        firstAt: known?.firstAt ?? at,
      }));
      return { ...next, status: furthest(state.status, "documents-uploaded") };
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
