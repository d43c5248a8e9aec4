import { sign } from "@dossier/simulator";
import fc, { type Arbitrary } from "fast-check";

export const SECRETS = [
  "whs_ef0dbc12345c418ab4a1cc4c888dea02",
  "whs_11112222333344445555666677778888",
] as const;

export const LIMIT = 1024 * 1024;
/** A client that still writes when the connection is closed may lose the answer (RFC 9112, 9.6). */
export const TOO_LARGE = [413, "none"] as const;

export interface Request {
  readonly method?: string;
  readonly target?: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A request's head. Latin-1, as bytes travel in headers. */
export function head({ method = "POST", target = "/webhooks/icomply", headers }: Request): Buffer {
  const lines = [["host", "ingest"], ["connection", "close"], ...headers].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
}

export const lengthOf = (body: Uint8Array) => ["content-length", String(body.length)] as const;

export const signatureOf = (body: Uint8Array, secret: string = SECRETS[0]) =>
  ["abp-webhook-signature", sign(body, secret)] as const;

interface Proof {
  readonly right: 200 | 401;
  readonly headers: (body: Uint8Array) => readonly (readonly [string, string])[];
}

/** How a body whose payload holds no secret shows who sent it, mostly well. */
export const proof: Arbitrary<Proof> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Proof>({ right: 200, headers: (body) => [signatureOf(body)] }) },
  {
    weight: 4,
    arbitrary: fc.constant<Proof>({
      right: 200,
      headers: (body) => [
        ["ABP-Webhook-Signature", sign(body, SECRETS[1]).toLowerCase().replaceAll("-", "")],
      ],
    }),
  },
  { weight: 1, arbitrary: fc.constant<Proof>({ right: 401, headers: () => [] }) },
  {
    weight: 1,
    arbitrary: fc.constant<Proof>({ right: 401, headers: (body) => [signatureOf(body, "whs_wrong")] }),
  },
);

/** The same bytes in pieces of any size. */
export const pieces = (bytes: Uint8Array): Arbitrary<Uint8Array[]> =>
  fc.array(fc.nat(bytes.length), { maxLength: 12 }).map((cuts) => {
    const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
  });

export function chunk(bytes: Uint8Array, extension = ""): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ]);
}
