/** What can be wrong with the evidence. */
export type EvidenceCheck =
  /** A person's entries are not numbered from 1 without a gap. */
  | "sequence"
  /** An entry's hash is not that of the previous hash and the entry. */
  | "hash"
  /** A chain does not end at the head in `streams`. */
  | "head"
  /** An event's digest is not that of its data; a redelivery's event is not in the log. */
  | "data-digest"
  /** An entry's delivery, or a settled or open one, is not in `deliveries`. */
  | "delivery-missing"
  /** A delivery is not as it was recorded, or not the one that the entry was made from: bytes, headers, verification. */
  | "delivery-digest"
  /** An entry has another time of receipt than its delivery. */
  | "received-at"
  /** A delivery's bytes, parsed again, differ from the entry. */
  | "content"
  /** An entry's delivery is not settled as `applied` (an event) or `duplicate` (a redelivery). */
  | "settlement"
  /** A delivery is settled as `applied` or `duplicate`, and the log has no row of it. */
  | "log-row-missing"
  /** The log has more than one row of a delivery. */
  | "logged-twice"
  /** A delivery is neither open nor settled. */
  | "unsettled"
  /** A delivery is both open and settled. */
  | "open-and-settled"
  /** A delivery is settled as `dead-lettered` or `discarded`, and has no dead letter. */
  | "dead-letter-missing"
  /** A transaction has more or fewer changes than it recorded, or they are not numbered from 0 without a gap. */
  | "append"
  /** A transaction's positions in the change feed are not those that it was assigned. */
  | "feed"
  /** A dead letter or a decision is not as it was sealed, or its seal is not in the chain. */
  | "seal"
  /** A dead letter or a decision has no seal, and waits for none: it was added in another way than by the services. */
  | "never-sealed"
  /** A delivery's dead letters and decisions do not lead to its settlement. */
  | "decisions"
  /** A person's row in the projection is not what the log folds to. */
  | "projection"
  /** A person's row was made by another version of the fold than this code's, so it was not checked. No forgery. */
  | "rebuild-needed"
  /** A line of an evidence file is not valid, or not where it belongs. */
  | "line"
  /** An evidence file's lines are not the ones that were written. */
  | "file-digest"
  /** An evidence file's person is not what its events fold to. */
  | "person";

/** A row, or a line of a file, that is wrong. Holds ids, times, numbers and digests, and nothing personal. */
export interface Mismatch {
  readonly table?: string;
  readonly line?: number;
  readonly entityId?: string;
  readonly seq?: number;
  readonly deliveryId?: string;
  readonly expected: string;
  readonly found: string;
}

/** A check that failed: for how many rows, and the first of them. */
export interface Finding {
  readonly check: EvidenceCheck;
  readonly rows: number;
  readonly first: Mismatch;
}

/** Called for each mismatch, in the order of the walk. */
export type ReportMismatch = (check: EvidenceCheck, mismatch: Mismatch, rows?: number) => void;

/** Keeps the first mismatch of each check and counts the others, so that memory does not grow with them. */
export function collectFindings(): { report: ReportMismatch; findings: () => readonly Finding[] } {
  const found = new Map<EvidenceCheck, Finding>();
  return {
    report(check, mismatch, rows = 1) {
      const before = found.get(check);
      found.set(check, { check, rows: rows + (before?.rows ?? 0), first: before?.first ?? mismatch });
    },
    findings: () => [...found.values()],
  };
}
