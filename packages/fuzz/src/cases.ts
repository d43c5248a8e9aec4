import fc, { type Arbitrary } from "fast-check";
import * as bodies from "./bodies.ts";
import { makeCase, type Case } from "./case.ts";
import { brokenChunks, inChunks, inPieces, unfinished } from "./framing.ts";
import { anyHead, brokenHeads, elsewhere, oddHeaders } from "./heads.ts";
import { head, lengthOf, LIMIT, proof, SECRETS, TOO_LARGE } from "./request.ts";

/** A body sent in good order, and how it must be answered. */
function wellSent(category: string, body: Arbitrary<Buffer>): Arbitrary<Case> {
  return fc.tuple(body, proof).map(([bytes, { headers, right }]) =>
    makeCase({
      category,
      segments: [Buffer.concat([head({ headers: [lengthOf(bytes), ...headers(bytes)] }), bytes])],
      afterwards: "wait",
      right: bytes.length > LIMIT ? TOO_LARGE : [right],
    }),
  );
}

const secretInPayload = fc
  .record({
    name: fc.constantFrom("secret", "webhookSecret", "Secret", "WebhookSecret"),
    secret: fc.constantFrom(...SECRETS, "whs_wrong", SECRETS[0].slice(1), ""),
    escaped: fc.boolean(),
    signature: fc.constantFrom<readonly string[]>([], [], [], ["sha256=00"], [""]),
  })
  .chain(({ name, secret, escaped, signature }) =>
    bodies.withMember(name, JSON.stringify(secret).replace("w", escaped ? "\\u0077" : "w")).map((body) =>
      makeCase({
        category: "secret in the payload",
        segments: [
          head({
            headers: [lengthOf(body), ...signature.map((value) => ["abp-webhook-signature", value] as const)],
          }),
          body,
        ],
        afterwards: "wait",
        right: [SECRETS.some((known) => known === secret) && signature.length === 0 ? 200 : 401],
      }),
    ),
  );

const hex = "0123456789abcdefABCDEF-= ,;sha256";
const brokenSignature = fc
  .tuple(
    bodies.documented,
    fc.oneof(
      fc.string({ unit: fc.constantFrom(...Array.from(hex)), maxLength: 120 }),
      fc.constantFrom(
        "sha256=",
        "sha1=00",
        `sha256=${"00".repeat(32)}`,
        `sha256=${"0-".repeat(32)}`,
        `sha256=${"é".repeat(64)}`,
      ),
    ),
  )
  .map(([body, signature]) =>
    makeCase({
      category: "broken signature",
      segments: [head({ headers: [lengthOf(body), ["abp-webhook-signature", signature]] }), body],
      afterwards: "wait",
      right: [401],
    }),
  );

/** Every kind of input that a stranger, a faulty sender or a faulty network can make, with what must come of it. */
export const anyCase: Arbitrary<Case> = fc.oneof(
  { weight: 60, arbitrary: wellSent("documented", bodies.documented) },
  { weight: 100, arbitrary: wellSent("wrong types", bodies.wrongTypes) },
  { weight: 80, arbitrary: wellSent("hostile names", bodies.hostileNames) },
  { weight: 100, arbitrary: wellSent("hostile text", bodies.hostileText) },
  { weight: 60, arbitrary: wellSent("huge numbers", bodies.hugeNumbers) },
  { weight: 60, arbitrary: wellSent("odd times", bodies.oddTimes) },
  { weight: 40, arbitrary: wellSent("nesting", bodies.nested) },
  { weight: 60, arbitrary: wellSent("any JSON", bodies.anyJson) },
  { weight: 60, arbitrary: wellSent("any bytes", bodies.anyBytes) },
  { weight: 100, arbitrary: wellSent("mutated", bodies.mutated) },
  { weight: 4, arbitrary: wellSent("a mebibyte", bodies.large) },
  { weight: 60, arbitrary: secretInPayload },
  { weight: 40, arbitrary: brokenSignature },
  { weight: 60, arbitrary: oddHeaders },
  { weight: 40, arbitrary: brokenHeads },
  { weight: 20, arbitrary: anyHead },
  { weight: 40, arbitrary: inChunks },
  { weight: 20, arbitrary: brokenChunks },
  { weight: 40, arbitrary: inPieces },
  { weight: 40, arbitrary: unfinished },
  { weight: 30, arbitrary: elsewhere },
);
