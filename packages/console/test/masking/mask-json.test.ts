import { parseJson } from "@dossier/events";
import { expect, test } from "vitest";
import { maskJson } from "../../src/masking/mask-json.ts";

test("a payload keeps its form and what is harmless; all else is masked", () => {
  const payload = {
    event: "NaturalPersonManuallyApproved",
    id: "9",
    creationTimeUtc: "2026-11-10T15:09:26.1712603Z",
    data: {
      entityId: "17f86a38-ee24-4686-8b4d-9251019f0009",
      entity: "John Doe",
      email: "john@mail.example.com",
      isClientUpdateRequest: false,
      description: "Looks like his brother Jack",
      documentType: "Driver license",
      born: 19_850_412,
      aliases: ["Johnny", { name: "Jack <b>" }, null, ""],
      "Jane Doe": { "\u202Ephone": 1 },
    },
  };
  expect(maskJson(payload)).toEqual({
    ...payload,
    data: {
      ...payload.data,
      entity: "J••• D••",
      email: "j•••@m•••.com",
      description: "•••",
      born: "•••",
      aliases: ["•••", { name: "J••• <••" }, null, ""],
      "Jane Doe": undefined,
      "•••8": { "•••0": "•••" },
    },
  });
});

test.each([
  ["id", "jane@doe.example"],
  ["entityId", "Jane Doe"],
  ["event", "Jane Doe"],
  ["creationTimeUtc", "Jane"],
  ["status", "Jane"],
  ["documentType", "born on 1985-04-12"],
  ["documentType", "Jane Doe"],
  ["documentType", "jane@doe.example"],
  ["type", "Passport of Jane"],
  ["supportingDocumentType", "JaneDoe"],
  ["entityStatus", "Jane"],
  ["status", "jane@doe.example"],
  ["kind", "Jane"],
  ["event", "JaneDoe"],
  ["sessionId", "Jane.Doe"],
  ["supportingDocumentId", "jane-doe-1985"],
  ["id", "Jane"],
  ["entityId", "jane1"],
  ["at", "Jane 2026-01-31T12:00:00Z"],
  ["unknownField", "passport"],
  ["version", 19_850_412_001],
  ["toString", "Jane"],
  ["__proto__", "Jane"],
])("a value that does not look like its field's is masked: %s %j", (field, value) => {
  expect(maskJson(value, field)).toBe("•••");
});

test.each([
  ["documentType", "driverLicense"],
  ["documentType", "Driver's license"],
  ["supportingDocumentType", "PROOF_OF_INCOME"],
  ["type", "identityCard"],
  ["entityStatus", "Approved"],
  ["status", "id-upload-started"],
  ["kind", "manual"],
  ["sessionId", "12345b06-778a-40a4-b2a5-8120cb440982"],
  ["id", "253"],
  ["supportingDocumentId", "s-1"],
  ["version", 12],
])("a value that its field may hold is shown: %s %j", (field, value) => {
  expect(maskJson(value, field)).toBe(value);
});

test.each(['{"n":12345678901234567890.5}', '{"name":"\\u0000\\ud800"}', '{"email":"\\u200b"}'])(
  "nothing of %s is shown",
  (text) => {
    expect(JSON.stringify(maskJson(parseJson(text)))).toMatch(/^\{"\w+":"•••"\}$/);
  },
);
