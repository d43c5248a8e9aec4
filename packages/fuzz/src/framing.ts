import fc from "fast-check";
import { atSizeLimit, documented } from "./bodies.ts";
import {
  chunk,
  head,
  BODY_LIMIT_BYTES,
  segmented,
  signature,
  signedHead,
  signedRequest,
  TOO_LARGE,
  type Case,
} from "./request.ts";

const EMPTY = Buffer.from("{}");

export const chunked = fc
  .tuple(
    fc.oneof({ weight: 20, arbitrary: documented }, { weight: 1, arbitrary: atSizeLimit }),
    fc.constantFrom("", ";a=b", ';a="é"'),
    fc.constantFrom("", "X-Trailer: a\r\n"),
  )
  .chain(([body, extension, trailer]) =>
    segmented(body).map((parts): Case => ({
      category: "chunked",
      segments: [
        head({ headers: [["transfer-encoding", "chunked"], signature(body)] }),
        ...parts.filter(({ length }) => length > 0).map((part) => chunk(part, extension)),
        Buffer.from(`0\r\n${trailer}\r\n`),
      ],
      ending: "wait",
      expected: body.length > BODY_LIMIT_BYTES ? TOO_LARGE : [200],
    })),
  );

export const invalidChunks = fc
  .tuple(documented, fc.constantFrom("g\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "\r\n", "5\r\nab"))
  .map(([body, invalid]): Case => ({
    category: "invalid chunks",
    segments: [
      head({ headers: [["transfer-encoding", "chunked"], signature(body)] }),
      chunk(body),
      Buffer.from(invalid),
    ],
    ending: "half-close",
    expected: [400, "none"],
  }));

/** Segments follow each other so fast that no timeout is met. */
export const inSegments = fc
  .tuple(documented, fc.constantFrom("wait" as const, "half-close" as const))
  .chain(([body, ending]) =>
    segmented(signedRequest(body)).map((segments): Case => ({
      category: "in segments",
      segments,
      ending,
      // Node may take a client that ends its side for one that has gone.
      expected: ending === "wait" ? [200] : [200, "none"],
    })),
  );

export const truncated = fc
  .tuple(documented, fc.nat(), fc.constantFrom("half-close" as const, "reset" as const))
  .map(([body, at, ending]): Case => {
    const request = signedRequest(body);
    return {
      category: "truncated",
      segments: [request.subarray(0, at % request.length)],
      ending,
      expected: [400, "none"],
    };
  });

/** Requests that stop in the middle and stay connected. Each runs into a timeout of ingest, of up to 30 s. */
export const stalledRequests: readonly Case[] = [
  signedHead(EMPTY).subarray(0, -2),
  Buffer.concat([signedHead(EMPTY), EMPTY.subarray(1)]),
  Buffer.concat([head({ headers: [["transfer-encoding", "chunked"], signature(EMPTY)] }), chunk(EMPTY)]),
].map((bytes): Case => ({ category: "stalled", segments: [bytes], ending: "wait", expected: [408] }));
