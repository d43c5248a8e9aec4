import { hash } from "node:crypto";
import {
  CHAIN_START,
  chainHash,
  dataDigest,
  deliveryDigest,
  formatTicks,
  parseDelivery,
  parseJson,
  type Entry,
  type JsonObject,
  type ParsedEvent,
} from "@dossier/events";
import type { ChainedEntry, Head, RecordedDelivery } from "./entries.ts";
import type { EvidenceCheck, ReportMismatch } from "./findings.ts";

export interface ChainChecker {
  /**
   * Checks the next entry against the one before it and against its delivery. Returns what the delivery's bytes say, if
   * they can be parsed.
   */
  next(entry: ChainedEntry): ParsedEvent | undefined;
  /** Checks that the last entry was the end of its chain. */
  end(): void;
}

/**
 * Checks persons' chains, one person after the other, each by `seq`. Each entry is checked against the stored hash of the
 * one before it, so a changed entry does not cause findings in all that follow.
 */
export function createChainChecker(report: ReportMismatch): ChainChecker {
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
      expected: describeHead({ seq, hash }),
      found: describeHead(head),
    });
  }

  return {
    next(entry) {
      if (last?.entityId !== entry.entityId) end();
      const before = last ?? { seq: 0, hash: CHAIN_START };
      last = entry;
      const { kind, entityId, seq, hash, deliveryId } = entry;
      const where = { table: kind === "event" ? "events" : "redeliveries", entityId, seq, deliveryId };
      if (seq !== before.seq + 1)
        report("sequence", { ...where, expected: `seq ${before.seq + 1}`, found: `seq ${seq}` });
      const expected = chainHash(before.hash, entry);
      if (!expected.equals(hash)) report("hash", { ...where, expected: hex(expected), found: hex(hash) });
      return checkContent(entry, (check, mismatch) => report(check, { ...where, ...mismatch }));
    },
    end,
  };
}

type ReportEntry = (check: EvidenceCheck, mismatch: { expected: string; found: string }) => void;

/**
 * Checks that an entry agrees with its delivery's bytes, and that the delivery is settled accordingly. Returns what the
 * bytes say.
 */
function checkContent(entry: ChainedEntry, report: ReportEntry): ParsedEvent | undefined {
  const settled = entry.kind === "event" ? "applied" : "duplicate";
  if (entry.settledAs !== settled)
    report("settlement", { expected: `settled as ${settled}`, found: entry.settledAs ?? "not settled" });
  const parsed = checkDelivery(entry, report);
  const digest = dataDigestOf(entry, parsed);
  if (digest === undefined || entry.dataDigest === null || !digest.equals(entry.dataDigest))
    report("data-digest", { expected: hex(digest), found: hex(entry.dataDigest) });
  return parsed;
}

/** Returns what the delivery's bytes say, if they can be parsed. */
function checkDelivery(entry: ChainedEntry, report: ReportEntry): ParsedEvent | undefined {
  if (entry.delivery === null) {
    report("delivery-missing", { expected: "a row in deliveries", found: "none" });
    return undefined;
  }
  const { body, digest, receivedTicks } = entry.delivery;
  if (!digest.equals(entry.deliveryDigest))
    report("delivery-digest", { expected: hex(entry.deliveryDigest), found: hex(digest) });
  if (receivedTicks !== entry.receivedTicks)
    report("received-at", {
      expected: formatTicks(receivedTicks),
      found: formatTicks(entry.receivedTicks),
    });
  const parsed = parseDelivery(body);
  if (!parsed.ok) {
    report("content", { expected: "bytes that can be parsed", found: parsed.error.message });
    return undefined;
  }
  if (!isSameEvent(parsed.value, entry))
    report("content", {
      expected: describeEvent(parsed.value, entry.kind),
      found: describeEvent(entry, entry.kind),
    });
  return parsed.value;
}

function isSameEvent(parsed: ParsedEvent, entry: Entry): boolean {
  return (
    parsed.event === entry.event &&
    parsed.id === entry.id &&
    parsed.entityId === entry.entityId &&
    parsed.ticks === entry.ticks &&
    (entry.kind === "redelivery" || parsed.dataJson === entry.dataJson)
  );
}

/** Returns a text that holds nothing personal: of the data only the digest. */
function describeEvent(
  { event, id, entityId, ticks, dataJson }: Pick<Entry, "event" | "id" | "entityId" | "ticks" | "dataJson">,
  kind: Entry["kind"],
): string {
  const data = kind === "event" ? ` with data ${hash("sha256", dataJson ?? "")}` : "";
  return `${event} ${id} of ${entityId} at ${formatTicks(ticks)}${data}`;
}

function describeHead(head: Head | null): string {
  return head === null ? "none" : `seq ${head.seq} with hash ${hex(head.hash)}`;
}

/** Returns what `dataDigest` must be; `undefined` if the data cannot be parsed. */
function dataDigestOf({ kind, dataJson }: ChainedEntry, parsed: ParsedEvent | undefined): Buffer | undefined {
  if (kind === "redelivery" || parsed?.dataJson === dataJson) return parsed?.dataDigest;
  try {
    return dataDigest(parseJson(dataJson ?? "") as JsonObject);
  } catch {
    return undefined;
  }
}

/** Checks that a delivery is as it was recorded. */
export function checkDeliveryDigest(delivery: RecordedDelivery, report: ReportMismatch): void {
  const { deliveryId, digest } = delivery;
  const found = deliveryDigest(delivery);
  if (found.equals(digest)) return;
  report("delivery-digest", { table: "deliveries", deliveryId, expected: hex(digest), found: hex(found) });
}

function hex(digest: Buffer | null | undefined): string {
  return digest?.toString("hex") ?? "none";
}
