/** The steps of a person's way through KYC, in their order. */
export const STATUSES = [
  "unknown",
  "pending",
  "id-upload-started",
  "id-uploaded",
  "documents-uploaded",
  "approved",
] as const;
export type Status = (typeof STATUSES)[number];

/** A time in UTC with seven fractional digits, from `formatTicks`. Such texts sort as the times do. */
export type Time = string;

export interface Approval {
  readonly kind: "manual" | "auto";
  readonly byName: string | null;
  readonly byEmail: string | null;
  readonly at: Time;
  readonly description: string | null;
}

export interface IdentityDocument {
  readonly type: string;
  readonly sessionId: string;
  /** The earliest start. */
  readonly startedAt: Time | null;
  /** The latest upload. */
  readonly uploadedAt: Time | null;
}

export interface SupportingDocument {
  readonly id: string;
  readonly type: string | null;
  readonly description: string | null;
  /** The latest upload. */
  readonly uploadedAt: Time;
}

/** A person's state, as the API shows it. What is not known is `null`. */
export interface Person {
  readonly entityId: string;
  readonly name: string | null;
  readonly email: string | null;
  /** The furthest step that the person ever reached. */
  readonly status: Status;
  /** iComply's own word for the person's status, from the last approval. */
  readonly entityStatus: string | null;
  /** The last approval. */
  readonly approval: Approval | null;
  /** Whether an event with `isClientUpdateRequest` follows the last approval. */
  readonly reviewNeeded: boolean;
  readonly personalInfoSubmittedAt: Time | null;
  readonly identityDocuments: readonly IdentityDocument[];
  readonly supportingDocuments: readonly SupportingDocument[];
  /** How many of the events this code does not recognise. */
  readonly unrecognisedEvents: number;
  /** How many distinct events the person has. */
  readonly version: number;
  readonly firstEventAt: Time | null;
  readonly lastEventAt: Time | null;
}

/** What folding passes from event to event: the person, and each document's first time. */
export interface PersonState extends Person {
  readonly identityDocuments: readonly (IdentityDocument & FirstTime)[];
  readonly supportingDocuments: readonly (SupportingDocument & FirstTime)[];
}

export interface FirstTime {
  readonly firstAt: Time;
}

/** Returns the person without what only folding needs. */
export function toPerson(state: PersonState): Person {
  return {
    ...state,
    identityDocuments: state.identityDocuments.map(({ firstAt: _, ...document }) => document),
    supportingDocuments: state.supportingDocuments.map(({ firstAt: _, ...document }) => document),
  };
}
