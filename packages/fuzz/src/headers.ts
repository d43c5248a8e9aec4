import fc from "fast-check";
import { documented } from "./bodies.ts";
import { contentLength, head, signature, signedHead, type Case, type Header } from "./request.ts";

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

export const unusualHeaders = fc
  .tuple(
    documented,
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
  .map(([body, headers]): Case => ({
    category: "unusual headers",
    segments: [signedHead(body, ...headers), body],
    ending: "wait",
    expected: [200],
  }));

export const invalidHeaders = fc
  .tuple(
    documented,
    fc.constantFrom<readonly [expected: number, ...headers: Header[]]>(
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
  .map(([body, [expected, ...headers]]): Case => ({
    category: "invalid headers",
    segments: [signedHead(body, ...headers), body],
    ending: "wait",
    expected: [expected],
  }));

export const notHttp = fc.uint8Array({ minLength: 1, maxLength: 500 }).map((bytes): Case => ({
  category: "not HTTP",
  segments: [Buffer.concat([Buffer.from("\u0001"), bytes, Buffer.from("\r\n\r\n")])],
  ending: "half-close",
  expected: [400, "none"],
}));

export const otherRoutes = fc
  .tuple(
    documented,
    fc.constantFrom<readonly [expected: number, method: string, target: string]>(
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
  .map(([body, [expected, method, target]]): Case => ({
    category: "other routes",
    segments: [head({ method, target, headers: [contentLength(body), signature(body)] }), body],
    ending: "wait",
    expected: [expected],
  }));
