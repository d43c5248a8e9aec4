import { sign } from "@dossier/simulator";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fingerprint, verify } from "../src/verify.ts";

const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";
const NEXT = "whs_11112222333344445555666677778888";
const BODY = Buffer.from('{"id":"254"}');
const SIGNATURE =
  "sha256=C2-A4-F3-F2-1A-88-A5-0B-73-20-17-0E-7E-90-E7-77-BC-A9-7F-F6-AD-24-26-06-E9-64-7D-31-3B-8E-7C-5B";
const bySignature = { ok: true, value: { by: "signature", secret: SECRET } };

describe("a signature", () => {
  test("is the HMAC-SHA256 of the body, in upper-case hex pairs with hyphens", () => {
    expect(verify(BODY, SIGNATURE, [SECRET])).toEqual(bySignature);
  });

  test.each([
    ["lower case without hyphens", SIGNATURE.toLowerCase().replaceAll("-", "")],
    ["lower case with hyphens", SIGNATURE.toLowerCase()],
    ["upper case without hyphens", SIGNATURE.replaceAll("-", "")],
    ["white space around it", ` ${SIGNATURE}\t`],
  ])("verifies in %s", (_form, signature) => {
    expect(verify(BODY, signature, [SECRET])).toEqual(bySignature);
  });

  test("verifies with either of two secrets during a rotation", () => {
    for (const secret of [SECRET, NEXT]) {
      for (const secrets of [
        [SECRET, NEXT],
        [NEXT, SECRET],
      ]) {
        expect(verify(BODY, sign(BODY, secret), secrets)).toEqual({
          ok: true,
          value: { by: "signature", secret },
        });
      }
    }
    expect(verify(BODY, sign(BODY, SECRET), [NEXT])).toEqual({ ok: false, error: "wrong-signature" });
  });

  test("that is wrong fails, even beside the right secret in the payload", () => {
    const body = Buffer.from(JSON.stringify({ secret: SECRET }));
    expect(verify(body, SIGNATURE, [SECRET])).toEqual({ ok: false, error: "wrong-signature" });
    expect(verify(body, "", [SECRET])).toEqual({ ok: false, error: "malformed-signature" });
  });

  test.each([
    "",
    "sha256=",
    SIGNATURE.slice("sha256=".length),
    SIGNATURE.replace("sha256", "sha1"),
    SIGNATURE.slice(0, -1),
    `${SIGNATURE}0`,
    `${SIGNATURE}-`,
    SIGNATURE.replace("C2", "G2"),
    SIGNATURE.replace("C2-", "C2--"),
    `${SIGNATURE}, ${SIGNATURE}`,
    `sha256=${"é".repeat(64)}`,
  ])("is rejected as malformed: %j", (signature) => {
    expect(verify(BODY, signature, [SECRET])).toEqual({ ok: false, error: "malformed-signature" });
  });

  test("verifies exactly the bytes that were signed", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, at, bit) => {
          const signature = sign(bytes, SECRET);
          expect(verify(bytes, signature, [SECRET])).toEqual(bySignature);
          const changed = Uint8Array.from(bytes);
          const index = at % changed.length;
          changed[index] = (changed[index] ?? 0) ^ bit;
          expect(verify(changed, signature, [SECRET])).toEqual({ ok: false, error: "wrong-signature" });
        },
      ),
    );
  });
});

describe("without a signature", () => {
  test.each(["secret", "webhookSecret", "Secret", "WebhookSecret"])(
    "the right secret as the payload's %s verifies",
    (name) => {
      const body = Buffer.from(JSON.stringify({ id: "1", [name]: NEXT }));
      expect(verify(body, undefined, [SECRET, NEXT])).toEqual({
        ok: true,
        value: { by: "payload-secret", secret: NEXT },
      });
    },
  );

  test.each([
    ["another secret", JSON.stringify({ secret: NEXT }), "wrong-payload-secret"],
    ["a part of the secret", JSON.stringify({ secret: SECRET.slice(0, -1) }), "wrong-payload-secret"],
    ["an empty secret", JSON.stringify({ secret: "" }), "wrong-payload-secret"],
    [
      "the secret in a nested object",
      JSON.stringify({ data: { secret: SECRET } }),
      "no-signature-and-no-secret",
    ],
    ["the secret in a list", JSON.stringify([SECRET]), "no-signature-and-no-secret"],
    ["the secret in a list's field", JSON.stringify({ secret: [SECRET] }), "no-signature-and-no-secret"],
    ["the secret through a prototype", `{"__proto__":{"secret":"${SECRET}"}}`, "no-signature-and-no-secret"],
    ["the secret as the whole body", JSON.stringify(SECRET), "no-signature-and-no-secret"],
    ["text that is not JSON", `secret=${SECRET}`, "no-signature-and-no-secret"],
    ["an empty body", "", "no-signature-and-no-secret"],
    ["null", "null", "no-signature-and-no-secret"],
    ["100,000 nested lists", "[".repeat(100_000), "no-signature-and-no-secret"],
  ] as const)("%s fails", (_case, body, error) => {
    expect(verify(Buffer.from(body), undefined, [SECRET])).toEqual({ ok: false, error });
  });

  test("a secret in bytes that are not UTF-8 fails", () => {
    const body = Buffer.concat([
      Buffer.from(`{"secret":"${SECRET}","x":"`),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    expect(verify(body, undefined, [SECRET])).toEqual({ ok: false, error: "no-signature-and-no-secret" });
  });
});

test("a fingerprint identifies a secret without containing it", () => {
  expect(fingerprint(SECRET)).toMatch(/^sha256:[0-9a-f]{16}$/);
  expect(fingerprint(SECRET)).not.toBe(fingerprint(NEXT));
});
