import fc from "fast-check";
import { documented, large } from "./bodies.ts";
import { makeCase, type Case } from "./case.ts";
import { chunk, head, lengthOf, LIMIT, pieces, signatureOf, TOO_LARGE } from "./request.ts";

export const inChunks = fc
  .tuple(
    fc.oneof({ weight: 20, arbitrary: documented }, { weight: 1, arbitrary: large }),
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
        right: body.length > LIMIT ? TOO_LARGE : [200],
      }),
    ),
  );

export const brokenChunks = fc
  .tuple(documented, fc.constantFrom("g\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "\r\n", "5\r\nab"))
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

/** In pieces, which come as fast as they are taken: no time limit is met. */
export const inPieces = fc
  .tuple(documented, fc.constantFrom("wait" as const, "half-close" as const))
  .chain(([body, afterwards]) =>
    pieces(Buffer.concat([head({ headers: [lengthOf(body), signatureOf(body)] }), body])).map((segments) =>
      makeCase({
        category: "in pieces",
        segments,
        afterwards,
        // Node takes a client that ends its side for one that has gone.
        right: afterwards === "wait" ? [200] : [200, "none"],
      }),
    ),
  );

export const unfinished = fc
  .tuple(documented, fc.nat(), fc.constantFrom("half-close" as const, "reset" as const))
  .map(([body, at, afterwards]) => {
    const whole = Buffer.concat([head({ headers: [lengthOf(body), signatureOf(body)] }), body]);
    return makeCase({
      category: "unfinished",
      segments: [whole.subarray(0, at % whole.length)],
      afterwards,
      right: [400, "none"],
    });
  });

const body = Buffer.from("{}");

/** Requests that wait for ever in the middle of what they send: they meet ingest's time limits, up to half a minute each. */
export const neverEnding: readonly Case[] = [
  head({ headers: [lengthOf(body), signatureOf(body)] }).subarray(0, -2),
  Buffer.concat([head({ headers: [lengthOf(body), signatureOf(body)] }), body.subarray(1)]),
  Buffer.concat([head({ headers: [["transfer-encoding", "chunked"], signatureOf(body)] }), chunk(body)]),
].map((sent) => makeCase({ category: "never ending", segments: [sent], afterwards: "wait", right: [408] }));
