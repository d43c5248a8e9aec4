import { hash } from "node:crypto";
import {
  dataDigest,
  formatTicks,
  parseJson,
  parseDelivery,
  type Entry,
  type JsonObject,
  type ParsedEvent,
} from "@dossier/events";
import type { EvidencedDelivery } from "./deliveries.ts";
import type { Check } from "./findings.ts";

/** An entry of the log, with what else is kept that must agree with it. */
export interface EvidencedEntry extends Entry {
  readonly hash: Buffer;
  /** Of a redelivery: that of the event in the log which it tells again; `null` where there is none. */
  readonly dataDigest: Buffer | null;
  readonly delivery: EvidencedDelivery | null;
  /** How the delivery was settled; `null` where it is not. */
  readonly outcome: string | null;
}

type ReportEntry = (check: Check, mismatch: { expected: string; found: string }) => void;

/** Checks that an entry says what its delivery's bytes say, and that the delivery is settled as that. */
export function checkContent(entry: EvidencedEntry, report: ReportEntry): void {
  const settled = entry.kind === "event" ? "applied" : "duplicate";
  if (entry.outcome !== settled)
    report("settlement", { expected: `settled as ${settled}`, found: entry.outcome ?? "not settled" });
  const told = checkDelivery(entry, report);
  const digest = dataDigestOf(entry, told);
  if (digest === undefined || entry.dataDigest === null || !digest.equals(entry.dataDigest))
    report("data-digest", { expected: hex(digest), found: hex(entry.dataDigest) });
}

/** Gives what the delivery's bytes tell, where they can be read. */
function checkDelivery(entry: EvidencedEntry, report: ReportEntry): ParsedEvent | undefined {
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
  const read = parseDelivery(body);
  if (!read.ok) {
    report("told", { expected: "bytes that tell an event", found: read.error.message });
    return undefined;
  }
  if (!tells(read.value, entry))
    report("told", { expected: saying(read.value, entry.kind), found: saying(entry, entry.kind) });
  return read.value;
}

function tells(told: ParsedEvent, { kind, event, id, entityId, ticks, dataJson }: Entry): boolean {
  return (
    told.event === event &&
    told.id === id &&
    told.entityId === entityId &&
    told.ticks === ticks &&
    (kind === "redelivery" || told.dataJson === dataJson)
  );
}

/** What is said, in a text that may be shown: of data only its digest. */
function saying(
  { event, id, entityId, ticks, dataJson }: Pick<Entry, "event" | "id" | "entityId" | "ticks" | "dataJson">,
  kind: Entry["kind"],
): string {
  const data = kind === "event" ? ` with data ${hash("sha256", dataJson ?? "")}` : "";
  return `${event} ${id} of ${entityId} at ${formatTicks(ticks)}${data}`;
}

/** What `dataDigest` must be; `undefined` where the data cannot be read. */
function dataDigestOf({ kind, dataJson }: EvidencedEntry, told: ParsedEvent | undefined): Buffer | undefined {
  if (kind === "redelivery" || told?.dataJson === dataJson) return told?.dataDigest;
  try {
    return dataDigest(parseJson(dataJson ?? "") as JsonObject);
  } catch {
    return undefined;
  }
}

function hex(digest: Buffer | null | undefined): string {
  return digest?.toString("hex") ?? "none";
}
