import { parseDelivery, type DeadLetter, type ParsedEvent } from "../src/index.ts";

export const ENTITY = "17f86a38-ee24-4686-8b4d-9251019f0009";
export const ENVELOPE = {
  id: "254",
  event: "NaturalPersonPending",
  eventType: "natural-person-pending",
  data: { entityId: ENTITY, entity: "John Doe" },
  creationTimeUtc: "2022-02-01T15:09:26.1712603Z",
};

/** A number after `#` goes over the wire as these digits, which no JavaScript number could hold. */
function encode(body: unknown): Uint8Array {
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  return Buffer.from(JSON.stringify(body).replaceAll(/"#(\d+)"/g, "$1"));
}

/** What a body is read as; a text or bytes are the body itself. */
export function accepted(body: unknown): ParsedEvent {
  const delivery = parseDelivery(encode(body));
  if (!delivery.ok) throw new Error(delivery.error.message);
  return delivery.value;
}

export function rejected(body: unknown): DeadLetter {
  const delivery = parseDelivery(encode(body));
  if (delivery.ok) throw new Error("the delivery was read");
  return delivery.error;
}

export function paths({ issues }: DeadLetter): string[] {
  return issues.map(({ path }) => path);
}
