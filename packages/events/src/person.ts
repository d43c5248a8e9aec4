/** How far a person has come; the later includes the earlier. */
export const STATUSES = [
  "unknown",
  "pending",
  "id-upload-started",
  "id-uploaded",
  "documents-uploaded",
  "approved",
] as const;
export type Status = (typeof STATUSES)[number];

/** A time in UTC with seven fractional digits, as `formatTicks` writes it: sorts as text. */
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

/** A person's file, as the API shows it. What is not known is `null`. */
export interface Person {
  readonly entityId: string;
  readonly name: string | null;
  readonly email: string | null;
  /** The furthest step ever reached: it never goes back. */
  readonly status: Status;
  /** iComply's own word for the person's status, from the last approval. */
  readonly entityStatus: string | null;
  /** The last approval. */
  readonly approval: Approval | null;
  /** The person was asked for an update, and did something about it, after the last approval. */
  readonly reviewNeeded: boolean;
  readonly personalInfoSubmittedAt: Time | null;
  readonly identityDocuments: readonly IdentityDocument[];
  readonly supportingDocuments: readonly SupportingDocument[];
  /** How many of the events are of types that this code does not know. */
  readonly unrecognisedEvents: number;
  /** How many distinct events the file is made of. */
  readonly version: number;
  readonly firstEventAt: Time | null;
  readonly lastEventAt: Time | null;
}

/** What folding carries from event to event: the person, and when each document was first heard of. */
export interface PersonState extends Person {
  readonly identityDocuments: readonly (IdentityDocument & FirstTime)[];
  readonly supportingDocuments: readonly (SupportingDocument & FirstTime)[];
}

export interface FirstTime {
  readonly firstAt: Time;
}

/** The file as others see it. */
export function toPerson(state: PersonState): Person {
  return {
    ...state,
    identityDocuments: state.identityDocuments.map(({ firstAt: _, ...document }) => document),
    supportingDocuments: state.supportingDocuments.map(({ firstAt: _, ...document }) => document),
  };
}
