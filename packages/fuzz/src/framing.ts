import fc from "fast-check";
import { atSizeLimit, documented } from "./bodies.ts";
import {
  chunk,
  contentLength,
  head,
  MAX_BODY_BYTES,
  printable,
  segmented,
  signature,
  TOO_LARGE,
  type Case,
} from "./request.ts";

export const chunked = fc
  .tuple(
    fc.oneof({ weight: 20, arbitrary: documented }, { weight: 1, arbitrary: atSizeLimit }),
    fc.constantFrom("", ";a=b", ';a="é"'),
    fc.constantFrom("", "X-Trailer: a\r\n"),
  )
  .chain(([body, extension, trailer]) =>
    segmented(body).map((parts) =>
      printable({
        category: "chunked",
        segments: [
          head({ headers: [["transfer-encoding", "chunked"], signature(body)] }),
          ...parts.filter(({ length }) => length > 0).map((part) => chunk(part, extension)),
          Buffer.from(`0\r\n${trailer}\r\n`),
        ],
        ending: "wait",
        expected: body.length > MAX_BODY_BYTES ? TOO_LARGE : [200],
      }),
    ),
  );

export const invalidChunks = fc
  .tuple(documented, fc.constantFrom("g\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "\r\n", "5\r\nab"))
  .map(([body, invalid]) =>
    printable({
      category: "invalid chunks",
      segments: [
        head({ headers: [["transfer-encoding", "chunked"], signature(body)] }),
        chunk(body),
        Buffer.from(invalid),
      ],
      ending: "half-close",
      expected: [400, "none"],
    }),
  );

/** Segments follow each other so fast that no timeout is met. */
export const inSegments = fc
  .tuple(documented, fc.constantFrom("wait" as const, "half-close" as const))
  .chain(([body, ending]) =>
    segmented(Buffer.concat([head({ headers: [contentLength(body), signature(body)] }), body])).map(
      (segments) =>
        printable({
          category: "in segments",
          segments,
          ending,
          // Node may take a client that ends its side for one that has gone.
          expected: ending === "wait" ? [200] : [200, "none"],
        }),
    ),
  );

export const truncated = fc
  .tuple(documented, fc.nat(), fc.constantFrom("half-close" as const, "reset" as const))
  .map(([body, at, ending]) => {
    const request = Buffer.concat([head({ headers: [contentLength(body), signature(body)] }), body]);
    return printable({
      category: "truncated",
      segments: [request.subarray(0, at % request.length)],
      ending,
      expected: [400, "none"],
    });
  });

const body = Buffer.from("{}");

/** Requests that stop in the middle and stay connected. Each runs into a timeout of ingest, of up to 30 s. */
export const stalledRequests: readonly Case[] = [
  head({ headers: [contentLength(body), signature(body)] }).subarray(0, -2),
  Buffer.concat([head({ headers: [contentLength(body), signature(body)] }), body.subarray(1)]),
  Buffer.concat([head({ headers: [["transfer-encoding", "chunked"], signature(body)] }), chunk(body)]),
].map((bytes) => printable({ category: "stalled", segments: [bytes], ending: "wait", expected: [408] }));
