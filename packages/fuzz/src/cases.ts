import fc, { type Arbitrary } from "fast-check";
import * as bodies from "./bodies.ts";
import { chunked, inSegments, invalidChunks, truncated } from "./framing.ts";
import { invalidHeaders, notHttp, otherRoutes, unusualHeaders } from "./headers.ts";
import {
  authentication,
  contentLength,
  head,
  BODY_LIMIT_BYTES,
  SECRETS,
  TOO_LARGE,
  type Case,
} from "./request.ts";

/** The body in one well-formed request. */
function wellFormed(category: string, body: Arbitrary<Buffer>): Arbitrary<Case> {
  return fc.tuple(body, authentication).map(([bytes, { headers, expected }]): Case => ({
    category,
    segments: [Buffer.concat([head({ headers: [contentLength(bytes), ...headers(bytes)] }), bytes])],
    ending: "wait",
    expected: bytes.length > BODY_LIMIT_BYTES ? TOO_LARGE : [expected],
  }));
}

const secretInPayload = fc
  .record({
    name: fc.constantFrom("secret", "webhookSecret", "Secret", "WebhookSecret"),
    secret: fc.constantFrom(...SECRETS, "whs_wrong", SECRETS[0].slice(1), ""),
    escaped: fc.boolean(),
    signature: fc.constantFrom<readonly string[]>([], [], [], ["sha256=00"], [""]),
  })
  .chain(({ name, secret, escaped, signature }) =>
    bodies
      .withMember(name, JSON.stringify(secret).replace("w", escaped ? "\\u0077" : "w"))
      .map((body): Case => ({
        category: "secret in the payload",
        segments: [
          head({
            headers: [
              contentLength(body),
              ...signature.map((value) => ["abp-webhook-signature", value] as const),
            ],
          }),
          body,
        ],
        ending: "wait",
        expected: [SECRETS.some((known) => known === secret) && signature.length === 0 ? 200 : 401],
      })),
  );

const SIGNATURE_CHARACTERS = "0123456789abcdefABCDEF-= ,;sha256";
const invalidSignature = fc
  .tuple(
    bodies.documented,
    fc.oneof(
      fc.string({ unit: fc.constantFrom(...Array.from(SIGNATURE_CHARACTERS)), maxLength: 120 }),
      fc.constantFrom(
        "sha256=",
        "sha1=00",
        `sha256=${"00".repeat(32)}`,
        `sha256=${"0-".repeat(32)}`,
        `sha256=${"é".repeat(64)}`,
      ),
    ),
  )
  .map(([body, signature]): Case => ({
    category: "invalid signature",
    segments: [head({ headers: [contentLength(body), ["abp-webhook-signature", signature]] }), body],
    ending: "wait",
    expected: [401],
  }));

/** Whatever a stranger, a faulty sender or a faulty network can send. */
export const anyCase: Arbitrary<Case> = fc.oneof(
  { weight: 60, arbitrary: wellFormed("documented", bodies.documented) },
  { weight: 100, arbitrary: wellFormed("wrong types", bodies.wrongTypes) },
  { weight: 80, arbitrary: wellFormed("hostile names", bodies.hostileNames) },
  { weight: 100, arbitrary: wellFormed("hostile text", bodies.hostileText) },
  { weight: 60, arbitrary: wellFormed("huge numbers", bodies.hugeNumbers) },
  { weight: 60, arbitrary: wellFormed("unusual times", bodies.unusualTimes) },
  { weight: 40, arbitrary: wellFormed("deep nesting", bodies.deepNesting) },
  { weight: 60, arbitrary: wellFormed("any JSON", bodies.anyJson) },
  { weight: 60, arbitrary: wellFormed("any bytes", bodies.anyBytes) },
  { weight: 100, arbitrary: wellFormed("mutated bytes", bodies.mutatedBytes) },
  { weight: 4, arbitrary: wellFormed("size limit", bodies.atSizeLimit) },
  { weight: 60, arbitrary: secretInPayload },
  { weight: 40, arbitrary: invalidSignature },
  { weight: 60, arbitrary: unusualHeaders },
  { weight: 40, arbitrary: invalidHeaders },
  { weight: 20, arbitrary: notHttp },
  { weight: 40, arbitrary: chunked },
  { weight: 20, arbitrary: invalidChunks },
  { weight: 40, arbitrary: inSegments },
  { weight: 40, arbitrary: truncated },
  { weight: 30, arbitrary: otherRoutes },
);
