import { z } from "zod";
import { dataDigest } from "./digests.ts";
import type { Event, PartialIdentity } from "./event.ts";
import { canonicalJson, isJsonObject, parseJson, scalarText, type Json, type JsonObject } from "./json.ts";
import { issuesOf, recognise, type Issue } from "./natural-person-events.ts";
import { invalidEvent, unparsable, type DeadLetter } from "./outcome.ts";
import { parseTicks } from "./ticks.ts";
import { upcast } from "./upcast.ts";

/** In characters. An index key in Postgres holds at most about 2,700 bytes. */
export const MAX_ID_LENGTH = 200;

/** A value, or the reason why there is none. */
export type Result<T, E> = { ok: true; value: T } | { ok: false; error: E };

export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function err<E>(error: E): { ok: false; error: E } {
  return { ok: false, error };
}

/** What a delivery's bytes say. */
export interface ParsedEvent extends Event {
  /** The canonical text of the data as it came, which the log keeps. */
  readonly dataJson: string;
  /** See `dataDigest`. */
  readonly dataDigest: Buffer;
}

/**
 * Parses a delivery's bytes. Returns the event, or the dead letter that the delivery must become.
 *
 * Tolerant where iComply's releases differ: ids may be numbers; times have up to seven fractional digits, with or
 * without a zone; `event` may be named `webhookEvent`; names may be in PascalCase; unknown fields are kept. Strict
 * in what identity and order need (`event`, `id`, `data.entityId`, `creationTimeUtc`), and in the data of known types.
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

/** Returns the identity of a delivery's event, as far as its bytes can be parsed, in half the time of `parseDelivery`. */
export function parsePartialIdentity(body: Uint8Array): PartialIdentity | undefined {
  const payload = parsePayload(body);
  return payload.ok ? partialIdentity(payload.value) : undefined;
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
    // Some of the parser's messages quote the text, which may be personal. Those that end with a position do not.
    const position = /at position (\d+) \(line \d+ column \d+\)$/.exec(String(error))?.[1];
    return err(
      unparsable(`the body is not JSON${position === undefined ? "" : `: error at character ${position}`}`),
    );
  }
  if (!isJsonObject(payload)) return err(unparsable("the body is JSON, but not an object"));
  const envelope = upcast(payload);
  // Newer releases of iComply name the field `webhookEvent`.
  return ok(
    Object.hasOwn(envelope, "event") ? envelope : { ...envelope, event: envelope["webhookEvent"] ?? null },
  );
}

/** An id: of an event, or of a person. */
export const identifier = z
  .preprocess(
    // The length of whatever has one would be checked, and that of an object may be anything.
    (value) => scalarText(value as Json) ?? null,
    z
      .string("expected a string")
      .min(1, "is empty")
      .max(MAX_ID_LENGTH, `is longer than ${MAX_ID_LENGTH} characters`)
      .refine(
        (value) => value.isWellFormed() && !value.includes("\0"),
        "contains a NUL character or a lone surrogate",
      ),
  )
  .meta({ type: ["string", "number"], minLength: 1, maxLength: MAX_ID_LENGTH });

/** What every payload has, whatever its type. `data` also has an `entityId`. */
export const envelopeSchema = z.object({
  event: identifier,
  id: identifier,
  creationTimeUtc: z
    .string()
    .meta({ description: "ISO 8601, with at most seven fractional digits; UTC if it names no zone." })
    .transform((value, context) => {
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
