export const STATUSES = [
  "unknown",
  "pending",
  "id-upload-started",
  "id-uploaded",
  "documents-uploaded",
  "approved",
] as const;
export type Status = (typeof STATUSES)[number];

/** The status that a person reaches by each documented event; `null` if it changes none. */
export const STATUS_AFTER = {
  NaturalPersonPending: "pending",
  NaturalPersonStartedIDUpload: "id-upload-started",
  NaturalPersonUploadedID: "id-uploaded",
  NaturalPersonUploadedSupportingDocument: "documents-uploaded",
  NaturalPersonManuallyApproved: "approved",
  NaturalPersonAutoApproved: "approved",
} as const satisfies Record<string, Status | null>;

export type DocumentedEvent = keyof typeof STATUS_AFTER;
