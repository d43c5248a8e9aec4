import { parseDelivery, type DeadLetter, type ParsedEvent } from "../src/index.ts";

export const ENTITY = "17f86a38-ee24-4686-8b4d-9251019f0009";
export const ENVELOPE = {
  id: "254",
  event: "NaturalPersonPending",
  eventType: "natural-person-pending",
  data: { entityId: ENTITY, entity: "John Doe" },
  creationTimeUtc: "2022-02-01T15:09:26.1712603Z",
};

/** Returns the event of a body, which is bytes, text or an object. Throws if it cannot be parsed. */
export function parsed(body: unknown): ParsedEvent {
  const result = parseDelivery(encode(body));
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

/** Returns the dead letter of a body that cannot be parsed. Throws if it can. */
export function parseFailure(body: unknown): DeadLetter {
  const result = parseDelivery(encode(body));
  if (result.ok) throw new Error("the delivery was parsed");
  return result.error;
}

export function issuePaths({ issues }: DeadLetter): string[] {
  return issues.map(({ path }) => path);
}

/** Encodes a body. In an object, the text "#123" becomes the number 123, which may be beyond a double. */
function encode(body: unknown): Uint8Array {
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  return Buffer.from(JSON.stringify(body).replaceAll(/"#(\d+)"/g, "$1"));
}
