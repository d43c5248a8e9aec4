import { CHAIN_START, chainHash } from "@dossier/events";
import { checkContent, type EvidencedEntry } from "./content.ts";
import type { Report } from "./findings.ts";

/** Where a chain ends. */
export interface Head {
  readonly seq: number;
  readonly hash: Buffer;
}

export interface ChainedEntry extends EvidencedEntry {
  /** Where the person's chain ends, as `streams` says; `null` where that says nothing. */
  readonly head: Head | null;
}

export interface ChainWalk {
  /** Checks the next entry: against the one before, and against its delivery. */
  link(entry: ChainedEntry): void;
  /** Checks that the last entry was the chain's end. */
  end(): void;
}

/**
 * Walks persons' chains, one after the other, each by `seq`. Every link is checked against the entry before as that
 * is now, so one that was changed does not bring all that follow it under suspicion.
 */
export function walkChains(report: Report): ChainWalk {
  let last: ChainedEntry | undefined;

  function end(): void {
    if (last === undefined) return;
    const { entityId, seq, hash, head } = last;
    last = undefined;
    if (head !== null && head.seq === seq && head.hash.equals(hash)) return;
    report("head", {
      table: "streams",
      entityId,
      seq,
      expected: sayHead({ seq, hash }),
      found: sayHead(head),
    });
  }

  return {
    link(entry) {
      if (last?.entityId !== entry.entityId) end();
      const before = last ?? { seq: 0, hash: CHAIN_START };
      last = entry;
      const { kind, entityId, seq, hash, deliveryId } = entry;
      const where = { table: kind === "event" ? "events" : "redeliveries", entityId, seq, deliveryId };
      if (seq !== before.seq + 1)
        report("sequence", { ...where, expected: `seq ${before.seq + 1}`, found: `seq ${seq}` });
      const expected = chainHash(before.hash, entry);
      if (!expected.equals(hash))
        report("hash", { ...where, expected: expected.toString("hex"), found: hash.toString("hex") });
      checkContent(entry, (check, mismatch) => report(check, { ...where, ...mismatch }));
    },
    end,
  };
}

function sayHead(head: Head | null): string {
  return head === null ? "none" : `seq ${head.seq} with hash ${head.hash.toString("hex")}`;
}
