import type { DeadLetterReason } from "@dossier/events";

/** What each reason means, and what to do. */
export const REASONS: Readonly<
  Record<DeadLetterReason, { readonly means: string; readonly remedy: string }>
> = {
  unparsable: {
    means: "it cannot be read: the bytes are no JSON object in UTF-8",
    remedy:
      "Ask iComply to send it again, and discard this one. Redrive it after an update that can read it.",
  },
  "invalid-event": {
    means: "a field is missing, or not of the form that it must have",
    remedy:
      "Ask iComply to send it again with the right fields, or redrive it after an update that reads them as they are.",
  },
  "conflicting-duplicate": {
    means: "two deliveries of one event differ; the first stands",
    remedy: "Ask iComply which of the two is right. To discard this one keeps the first.",
  },
  "fold-failed": {
    means: "it can be read, and each attempt to add it to the person failed",
    remedy: "Report the errors below. Redrive it after the update that mends them.",
  },
  stalled: {
    means: "the workers that took it stopped",
    remedy: "Its bytes may be what stops workers: report it. Redrive it after the update that mends them.",
  },
};
