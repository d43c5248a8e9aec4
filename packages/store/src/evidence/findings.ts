/** What can be wrong with the evidence. */
export type Check =
  /** A person's entries are not numbered from 1 without a gap. */
  | "sequence"
  /** An entry's hash is not that of the entry before and what the entry says. */
  | "hash"
  /** A chain does not end where `streams` says. */
  | "head"
  /** An event's digest is not that of its data; a redelivery's event is not in the log. */
  | "data-digest"
  /** An entry's delivery, or a settled or open one, is not in `deliveries`. */
  | "delivery-missing"
  /** A delivery is not as it was recorded, or not the one that the entry was made from: bytes, headers, verification. */
  | "delivery-digest"
  | "received-at"
  /** A delivery's bytes, read again, tell something else than the entry. */
  | "told"
  /** An entry's delivery is not settled, or not as what the entry is. */
  | "settlement"
  /** A delivery is settled as told into the log, of which the log knows nothing. */
  | "log-row-missing"
  | "logged-twice"
  /** A delivery is neither open nor settled. */
  | "unsettled"
  | "open-and-settled"
  /** A delivery is settled as dead, and nothing says why. */
  | "dead-letter-missing"
  /** A transaction changed more or less than it says, or its changes are not numbered from 0 without a gap. */
  | "append"
  /** In an evidence file: a line that is none, or stands where it may not. */
  | "line"
  /** An evidence file's lines are not those that were written. */
  | "file-digest"
  /** An evidence file's person is not what its events fold to. */
  | "person";

/** A row, or a file's line, that does not fit. Ids, times, numbers and digests alone: nothing personal. */
export interface Mismatch {
  readonly table?: string;
  readonly line?: number;
  readonly entityId?: string;
  readonly seq?: number;
  readonly deliveryId?: string;
  readonly expected: string;
  readonly found: string;
}

/** One thing that is wrong: where first, and how often. */
export interface Finding {
  readonly check: Check;
  readonly rows: number;
  readonly first: Mismatch;
}

/** Told of each mismatch, in the order of the walk. */
export type Report = (check: Check, mismatch: Mismatch, rows?: number) => void;

/** Keeps the first mismatch of each check and counts the others: its size does not depend on how much is wrong. */
export function collectFindings(): { report: Report; findings: () => readonly Finding[] } {
  const found = new Map<Check, Finding>();
  return {
    report(check, mismatch, rows = 1) {
      const before = found.get(check);
      found.set(check, { check, rows: rows + (before?.rows ?? 0), first: before?.first ?? mismatch });
    },
    findings: () => [...found.values()],
  };
}
