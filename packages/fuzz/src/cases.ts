import fc, { type Arbitrary } from "fast-check";
import * as bodies from "./bodies.ts";
import { makeCase, type Case } from "./case.ts";
import { chunk, head, lengthOf, LIMIT, pieces, proof, SECRETS, signatureOf } from "./request.ts";

/** A body sent in good order, and how it must be answered. */
function wellSent(category: string, body: Arbitrary<Buffer>): Arbitrary<Case> {
  return fc.tuple(body, proof).map(([bytes, { headers, right }]) =>
    makeCase({
      category,
      segments: [Buffer.concat([head({ headers: [lengthOf(bytes), ...headers(bytes)] }), bytes])],
      afterwards: "wait",
      right: [bytes.length > LIMIT ? 413 : right],
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

const token = fc.string({
  unit: fc.constantFrom(...Array.from("abcXYZ019!#$%&'*+-.^_`|~")),
  minLength: 1,
  maxLength: 30,
});
const visible = fc.string({
  unit: fc.constantFrom(...Array.from("abc \t\"'(),/:;<=>?@[\\]{}é\u00a0\u00ff\u0080")),
  maxLength: 200,
});
const KNOWN_HEADERS = [
  "content-type",
  "content-encoding",
  "user-agent",
  "x-forwarded-for",
  "x-request-id",
  "forwarded",
  "cookie",
  "accept",
  "__proto__",
  "constructor",
];

const oddHeaders = fc
  .tuple(
    bodies.documented,
    fc.array(
      fc.tuple(
        fc.oneof(
          token.map((name) => `x-${name}`),
          fc.constantFrom(...KNOWN_HEADERS),
        ),
        visible,
      ),
      { maxLength: 20 },
    ),
  )
  .map(([body, headers]) =>
    makeCase({
      category: "odd headers",
      segments: [head({ headers: [lengthOf(body), signatureOf(body), ...headers] }), body],
      afterwards: "wait",
      right: [200],
    }),
  );

const brokenHeads = fc
  .tuple(
    bodies.documented,
    fc.constantFrom<readonly [right: number, ...headers: (readonly [string, string])[]]>(
      [400, ["transfer-encoding", "chunked"]],
      [400, ["content-length", "1"]],
      [400, ["transfer-encoding", "gzip"]],
      [400, ["bad name", "x"]],
      [400, ["x-control", "a\u0001b"]],
      [400, ["x-nul", "a\u0000b"]],
      [417, ["expect", "the unexpected"]],
      [431, ["x-long", "x".repeat(20_000)]],
      [401, ["abp-webhook-signature", "sha256=twice"]],
    ),
  )
  .map(([body, [right, ...headers]]) =>
    makeCase({
      category: "broken heads",
      segments: [head({ headers: [lengthOf(body), signatureOf(body), ...headers] }), body],
      afterwards: "wait",
      right: [right],
    }),
  );

const anyHead = fc.uint8Array({ minLength: 1, maxLength: 500 }).map((bytes) =>
  makeCase({
    category: "no HTTP",
    segments: [Buffer.concat([Buffer.from("\u0001"), bytes, Buffer.from("\r\n\r\n")])],
    afterwards: "half-close",
    right: [400, "none"],
  }),
);

const inChunks = fc
  .tuple(
    fc.oneof({ weight: 20, arbitrary: bodies.documented }, { weight: 1, arbitrary: bodies.large }),
    fc.constantFrom("", ";a=b", ';a="é"'),
    fc.constantFrom("", "X-Trailer: a\r\n"),
  )
  .chain(([body, extension, trailer]) =>
    pieces(body).map((parts) =>
      makeCase({
        category: "chunks",
        segments: [
          head({ headers: [["transfer-encoding", "chunked"], signatureOf(body)] }),
          ...parts.filter(({ length }) => length > 0).map((part) => chunk(part, extension)),
          Buffer.from(`0\r\n${trailer}\r\n`),
        ],
        afterwards: "wait",
        right: [body.length > LIMIT ? 413 : 200],
      }),
    ),
  );

const brokenChunks = fc
  .tuple(bodies.documented, fc.constantFrom("g\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "\r\n", "5\r\nab"))
  .map(([body, broken]) =>
    makeCase({
      category: "broken chunks",
      segments: [
        head({ headers: [["transfer-encoding", "chunked"], signatureOf(body)] }),
        chunk(body),
        Buffer.from(broken),
      ],
      afterwards: "half-close",
      right: [400, "none"],
    }),
  );

const slow = fc
  .tuple(bodies.documented, fc.constantFrom("wait" as const, "half-close" as const))
  .chain(([body, afterwards]) =>
    pieces(Buffer.concat([head({ headers: [lengthOf(body), signatureOf(body)] }), body])).map((segments) =>
      makeCase({
        category: "slow, whole",
        segments,
        afterwards,
        // Node takes a client that ends its side for one that has gone.
        right: afterwards === "wait" ? [200] : [200, "none"],
      }),
    ),
  );

const unfinished = fc
  .tuple(bodies.documented, fc.nat(), fc.constantFrom("half-close" as const, "reset" as const))
  .map(([body, at, afterwards]) => {
    const whole = Buffer.concat([head({ headers: [lengthOf(body), signatureOf(body)] }), body]);
    return makeCase({
      category: "unfinished",
      segments: [whole.subarray(0, at % whole.length)],
      afterwards,
      right: [400, "none"],
    });
  });

const elsewhere = fc
  .tuple(
    bodies.documented,
    fc.constantFrom<readonly [right: number, method: string, target: string]>(
      [405, "GET", "/webhooks/icomply"],
      [405, "PUT", "/webhooks/icomply?a=b"],
      [405, "DELETE", "/webhooks/icomply"],
      [405, "TRACE", "/webhooks/icomply"],
      [404, "POST", "/webhooks/icomply/"],
      [404, "POST", "/"],
      [404, "GET", "/.env"],
      [404, "POST", "/webhooks/%69comply%00"],
      [400, "post", "/webhooks/icomply"],
      [400, "POST", "webhooks"],
    ),
  )
  .map(([body, [right, method, target]]) =>
    makeCase({
      category: "elsewhere",
      segments: [head({ method, target, headers: [lengthOf(body), signatureOf(body)] }), body],
      afterwards: "wait",
      right: [right],
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
  { weight: 40, arbitrary: slow },
  { weight: 40, arbitrary: unfinished },
  { weight: 30, arbitrary: elsewhere },
);
