import { MAX_ID_LENGTH, parseJson, parseTicks } from "@dossier/events";
import { z } from "zod";

// An evidence file: JSON lines, each with its kind in `line`. First the header, then the stream's head, the deliveries by
// time of receipt, the entries of the chain, failed attempts, dead letters and decisions by time, the person as folded by
// the header's version of the code, and the end.

export const FORMAT = "dossier-evidence";
export const FORMAT_VERSION = 1;

const text = z.string();
const id = text.min(1).max(MAX_ID_LENGTH);
const time = text.transform((value, context) => {
  const ticks = parseTicks(value);
  if (ticks !== undefined) return ticks;
  context.addIssue({ code: "custom", message: "expected an ISO 8601 time" });
  return z.NEVER;
});
const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "expected 64 hex digits")
  .transform((value) => Buffer.from(value, "hex"));
const bytes = z.base64().transform((value) => Buffer.from(value, "base64"));
/** Kept as text, since the text was hashed. */
const jsonText = text.refine((value) => {
  try {
    parseJson(value);
    return true;
  } catch {
    return false;
  }
}, "expected JSON");

const ofDelivery = { deliveryId: id, at: time };

export const evidenceLine = z.discriminatedUnion("line", [
  z.strictObject({
    line: z.literal("header"),
    format: z.literal(FORMAT),
    version: z.literal(FORMAT_VERSION),
    entityId: id,
    exportedAt: time,
    codeVersion: text,
    /** How many open deliveries were searched for the person's, and whether that was all of them. */
    openDeliveriesSearched: z.strictObject({ searched: z.int(), all: z.boolean() }),
  }),
  z.strictObject({ line: z.literal("head"), seq: z.int(), hash: sha256 }),
  z.strictObject({
    line: z.literal("delivery"),
    deliveryId: id,
    receivedAt: time,
    verifiedBy: z.enum(["signature", "payload-secret"]),
    secretFingerprint: text,
    headers: jsonText,
    settlement: z.strictObject({ settledAs: text, settledAt: time }).nullable(),
    body: bytes,
    digest: sha256,
  }),
  z.strictObject({
    line: z.literal("entry"),
    kind: z.enum(["event", "redelivery"]),
    seq: z.int(),
    event: id,
    id,
    creationTimeUtc: time,
    data: jsonText.nullable(),
    dataDigest: sha256.nullable(),
    deliveryId: id,
    receivedAt: time,
    deliveryDigest: sha256,
    hash: sha256,
  }),
  z.strictObject({
    line: z.literal("failed-attempt"),
    ...ofDelivery,
    attempt: z.int(),
    error: text,
    stack: text.nullable(),
    codeVersion: text,
  }),
  z.strictObject({
    line: z.literal("dead-letter"),
    ...ofDelivery,
    reason: text,
    message: text,
    issues: z.array(z.strictObject({ path: text, message: text })),
    event: text.nullable(),
    id: text.nullable(),
    codeVersion: text,
  }),
  z.strictObject({
    line: z.literal("decision"),
    ...ofDelivery,
    action: text,
    decidedBy: text,
    reason: text,
  }),
  z.strictObject({ line: z.literal("person"), state: z.unknown() }),
  /** How many lines precede it, and SHA-256 over them, each with its line feed. */
  z.strictObject({ line: z.literal("end"), lines: z.int(), sha256 }),
]);

/** A line as it is written. */
export type EvidenceLine = z.input<typeof evidenceLine>;
/** A line as it is parsed. */
export type ParsedLine = z.output<typeof evidenceLine>;
