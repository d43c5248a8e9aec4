import { parseJson } from "@dossier/events";
import { expect, test } from "vitest";
import { maskJson } from "../../src/pages/mask-json.ts";

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
  ["version", 19_850_412_001],
  ["toString", "Jane"],
  ["__proto__", "Jane"],
])("a value that does not look like its field's is masked: %s %j", (field, value) => {
  expect(maskJson(value, field)).toBe("•••");
});

test.each(['{"n":12345678901234567890.5}', '{"name":"\\u0000\\ud800"}', '{"email":"\\u200b"}'])(
  "nothing of %s is shown",
  (text) => {
    expect(JSON.stringify(maskJson(parseJson(text)))).toMatch(/^\{"\w+":"•••"\}$/);
  },
);
