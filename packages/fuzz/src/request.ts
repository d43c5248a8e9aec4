import { sign } from "@dossier/simulator";
import fc, { type Arbitrary } from "fast-check";

/** What a client does on one connection, and how that must be answered. */
export interface Case {
  readonly category: string;
  /** Written one after the other, each in a turn of the event loop of its own. */
  readonly segments: readonly Uint8Array[];
  /** What follows the last segment: the client waits for the answer, ends its side, or resets the connection. */
  readonly ending: "wait" | "half-close" | "reset";
  /** The statuses that are right; `none` means that the connection ends without an answer. */
  readonly expected: readonly (number | "none")[];
}

const PRINTED_BYTES = 600;

/** Returns a line about a case, short whatever the size of its bytes. */
export function describeCase({ category, segments, ending, expected }: Case): string {
  const bytes = Buffer.concat(segments);
  const text = JSON.stringify(bytes.subarray(0, PRINTED_BYTES).toString("latin1"));
  return `${category}: ${segments.length} segments, ${bytes.length} bytes, then ${ending}; expected ${expected.join(" or ")}: ${text}`;
}

export const SECRETS = [
  "whs_ef0dbc12345c418ab4a1cc4c888dea02",
  "whs_11112222333344445555666677778888",
] as const;

export const BODY_LIMIT_BYTES = 1024 * 1024;
/** A client that still writes when the connection is closed may lose the answer (RFC 9112, 9.6). */
export const TOO_LARGE = [413, "none"] as const;

export type Header = readonly [name: string, value: string];

export interface RequestHead {
  readonly method?: string;
  readonly target?: string;
  readonly headers: readonly Header[];
}

/** Returns the bytes of a request before its body, in Latin-1, as headers are sent. */
export function head({ method = "POST", target = "/webhooks/icomply", headers }: RequestHead): Buffer {
  const lines = [["host", "ingest"], ["connection", "close"], ...headers].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
}

export function contentLength(body: Uint8Array): Header {
  return ["content-length", String(body.length)];
}

export function signature(body: Uint8Array, secret: string = SECRETS[0]): Header {
  return ["abp-webhook-signature", sign(body, secret)];
}

export function signedHead(body: Uint8Array, ...others: readonly Header[]): Buffer {
  return head({ headers: [contentLength(body), signature(body), ...others] });
}

export function signedRequest(body: Uint8Array): Buffer {
  return Buffer.concat([signedHead(body), body]);
}

interface Authentication {
  readonly expected: 200 | 401;
  readonly headers: (body: Uint8Array) => readonly Header[];
}

const SIGNED: Authentication = { expected: 200, headers: (body) => [signature(body)] };
const SIGNED_OTHERWISE: Authentication = {
  expected: 200,
  headers: (body) => [["ABP-Webhook-Signature", sign(body, SECRETS[1]).toLowerCase().replaceAll("-", "")]],
};
const UNSIGNED: Authentication = { expected: 401, headers: () => [] };
const SIGNED_WRONG: Authentication = { expected: 401, headers: (body) => [signature(body, "whs_wrong")] };

/** How a body without a secret in its payload is signed: mostly right. */
export const authentication: Arbitrary<Authentication> = fc.oneof(
  { weight: 12, arbitrary: fc.constant(SIGNED) },
  { weight: 4, arbitrary: fc.constant(SIGNED_OTHERWISE) },
  { weight: 1, arbitrary: fc.constant(UNSIGNED) },
  { weight: 1, arbitrary: fc.constant(SIGNED_WRONG) },
);

/** The same bytes in segments of any sizes. */
export function segmented(bytes: Uint8Array): Arbitrary<Uint8Array[]> {
  return fc.array(fc.nat(bytes.length), { maxLength: 12 }).map((cuts) => {
    const offsets = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    return offsets.slice(1).map((end, index) => bytes.subarray(offsets[index], end));
  });
}

/** Returns a chunk of a body with `Transfer-Encoding: chunked`. */
export function chunk(bytes: Uint8Array, extension = ""): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ]);
}
