import type { IncomingMessage } from "node:http";

/** What may be logged of a request that was refused: names and sizes, never a value. */
export interface RequestDescription {
  readonly headerNames: readonly string[];
  /** The length of the body, or what was announced if it was not read. */
  readonly bodyBytes?: number;
  /** The keys of the payload, if it is a JSON object. */
  readonly topLevelKeys?: readonly string[];
}

/** Bounds of a log line, whatever a stranger sends. */
const MAX_NAMES = 64;
const NAME = /^[\w.-]{1,64}$/;

/**
 * Describes a refused request, so that an operator sees how a sender's format differs from what is expected. A name that
 * does not look like one may be a value in its place; it is shown as `?`.
 *
 * @param body `undefined` if it was not read
 * @param maskSecrets overwrites secrets in bytes
 */
export function describeRequest(
  { rawHeaders, headers }: IncomingMessage,
  body: Buffer | undefined,
  maskSecrets: (bytes: Buffer) => Buffer,
): RequestDescription {
  const showNames = (names: readonly string[]) =>
    names
      .slice(0, MAX_NAMES)
      .map((name) => (NAME.test(name) ? maskSecrets(Buffer.from(name)).toString() : "?"));
  const announced = headers["content-length"];
  const keys = body === undefined ? undefined : keysOf(body);
  return {
    headerNames: showNames(rawHeaders.filter((_, i) => i % 2 === 0)),
    ...(body !== undefined && { bodyBytes: body.length }),
    ...(body === undefined && announced !== undefined && { bodyBytes: Number(announced) }),
    ...(keys !== undefined && { topLevelKeys: showNames(keys) }),
  };
}

function keysOf(body: Buffer): readonly string[] | undefined {
  try {
    const payload: unknown = JSON.parse(body.toString());
    return typeof payload === "object" && payload !== null && !Array.isArray(payload)
      ? Object.keys(payload)
      : undefined;
  } catch {
    return undefined;
  }
}
