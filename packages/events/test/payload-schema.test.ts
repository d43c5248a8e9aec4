import { samples } from "@dossier/simulator";
import { expect, test } from "vitest";
import { z } from "zod";
import { naturalPersonEvents } from "../src/natural-person-events.ts";
import { envelopeSchema, identifier } from "../src/parse-delivery.ts";

const FILE = "../../../docs/webhook.schema.json";

/** Returns the JSON Schema of the payloads of all known types, from the schemas that parse them. */
function createPayloadSchema() {
  const payloads = Object.entries(naturalPersonEvents).map(([event, data]) =>
    z
      .object({
        ...envelopeSchema.shape,
        event: z.literal(event),
        data: data.extend({ entityId: identifier }),
      })
      .meta({ title: event }),
  );
  const schema = z.toJSONSchema(z.union(payloads), { io: "input", unrepresentable: "any" });
  return {
    title: "The payloads of iComply's webhooks that Dossier folds into a person's state",
    description: "Payloads of other types are kept too. Unknown fields are kept, and change nothing.",
    ...schema,
  };
}

test("docs/webhook.schema.json is what the payloads are parsed by (vitest -u writes it)", async () => {
  await expect(`${JSON.stringify(createPayloadSchema(), undefined, 2)}\n`).toMatchFileSnapshot(FILE);
});

test.each(samples())("the JSON Schema accepts the sample $name, and not without a person", ({ body }) => {
  const schema = z.fromJSONSchema(createPayloadSchema());
  const payload = JSON.parse(body.toString()) as { data: object };
  expect(schema.safeParse(payload).success).toBe(true);
  expect(schema.safeParse({ ...payload, id: 7 }).success).toBe(true);
  const { entityId: _, ...data } = payload.data as { entityId: string };
  expect(schema.safeParse({ ...payload, data }).success).toBe(false);
  expect(schema.safeParse({ ...payload, event: "Other" }).success).toBe(false);
});
