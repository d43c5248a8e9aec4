import { z } from "zod";
import { dataDigest } from "./data-digest.ts";
import { invalidEvent, unparsable, type DeadLetter } from "./dead-letter.ts";
import type { Event, PartialIdentity } from "./event.ts";
import { canonicalJson, isJsonObject, parseJson, scalarText, type Json, type JsonObject } from "./json.ts";
import { issuesOf, recognise, type Issue } from "./natural-person-events.ts";
import { err, ok, type Result } from "./result.ts";
import { parseTicks } from "./ticks.ts";
import { upcast } from "./upcast.ts";

/** In characters. A key of an index in Postgres holds at most about 2,700 bytes. */
export const MAX_ID_LENGTH = 200;

/** What a delivery's bytes say. */
export interface ParsedEvent extends Event {
  /** The canonical text of the data as it was received: what the log keeps. */
  readonly dataJson: string;
  /** Equal digests mean equal data: see `dataDigest`. */
  readonly dataDigest: Buffer;
}

/**
 * Reads a delivery's exact bytes.
 *
 * Tolerant where senders differ: ids of any shape, digits included; times with up to seven fractional digits, with
 * or without a zone; `webhookEvent` for `event`; PascalCase names; fields that nobody documented. Strict on what
 * identity and order need (`event`, `id`, `data.entityId`, `creationTimeUtc`) and, for the documented types, on
 * what they say.
 */
export function parseDelivery(body: Uint8Array): Result<ParsedEvent, DeadLetter> {
  const payload = parsePayload(body);
  if (!payload.ok) return payload;

  const envelope = envelopeSchema.safeParse(payload.value);
  if (!envelope.success) return invalid(issuesOf(envelope.error), payload.value);
  const { event, id, creationTimeUtc, data } = envelope.data;

  const entityId = identifier.safeParse(upcast(data)["entityId"]);
  if (!entityId.success) return invalid(issuesOf(entityId.error, "data", "entityId"), payload.value);

  const recognition = recognise(event, data);
  if (recognition.kind === "invalid") return invalid(recognition.issues, payload.value);

  const dataJson = canonicalJson(data);
  return ok({
    event,
    id,
    entityId: entityId.data,
    ticks: creationTimeUtc,
    content: recognition.kind === "recognised" ? recognition.event : "unrecognised",
    dataJson,
    dataDigest: dataDigest(data, dataJson),
  });
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parsePayload(body: Uint8Array): Result<JsonObject, DeadLetter> {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return err(unparsable(`the body's ${body.length} bytes are not UTF-8`));
  }
  let payload: Json;
  try {
    payload = parseJson(text);
  } catch (error) {
    if (error instanceof RangeError) return err(unparsable(`the body is ${error.message}`));
    // The parser's own message may quote the text around the fault, which may be personal; then it ends otherwise.
    const position = /at position (\d+) \(line \d+ column \d+\)$/.exec(String(error))?.[1];
    return err(
      unparsable(`the body is not JSON${position === undefined ? "" : `, from character ${position} on`}`),
    );
  }
  if (!isJsonObject(payload)) return err(unparsable("the body is JSON, but no object"));
  const shape = upcast(payload);
  // The sender's newer releases name the field `webhookEvent`.
  return ok(Object.hasOwn(shape, "event") ? shape : { ...shape, event: shape["webhookEvent"] ?? null });
}

const identifier = z.preprocess(
  (value) => scalarText(value as Json) ?? value,
  z
    .string("expected a string")
    .min(1, "is empty")
    .max(MAX_ID_LENGTH, `is longer than ${MAX_ID_LENGTH} characters`)
    .refine(
      (value) => value.isWellFormed() && !value.includes("\0"),
      "holds a NUL character or half a surrogate pair",
    ),
);

const envelopeSchema = z.object({
  event: identifier,
  id: identifier,
  creationTimeUtc: z.string().transform((value, context) => {
    const ticks = parseTicks(value);
    if (ticks !== undefined) return ticks;
    context.addIssue({
      code: "custom",
      message: "expected an ISO 8601 time with at most seven fractional digits",
    });
    return z.NEVER;
  }),
  data: z.custom<JsonObject>((value) => isJsonObject(value as Json), "expected an object"),
});

function invalid(issues: readonly Issue[], payload: JsonObject): { ok: false; error: DeadLetter } {
  return err(invalidEvent(issues, partialIdentity(payload)));
}

function partialIdentity({ event, id, data }: JsonObject): PartialIdentity {
  return {
    event: identifier.safeParse(event).data,
    id: identifier.safeParse(id).data,
    entityId: isJsonObject(data) ? identifier.safeParse(upcast(data)["entityId"]).data : undefined,
  };
}
