import { readdirSync, readFileSync } from "node:fs";
import type { DocumentedEvent } from "./status.ts";

/** What `data` may hold beside `entityId`. Each documented event has its own choice of these. */
export type EventData = {
  entity?: string;
  email?: string;
  sessionId?: string;
  isClientUpdateRequest?: boolean;
  entityCreated?: boolean;
  documentType?: string;
  supportingDocumentId?: string;
  supportingDocumentType?: string;
  supportingDocumentDescription?: string;
  userName?: string;
  userEmail?: string;
  entityStatus?: string;
  description?: string;
  message?: string;
};

export type Payload = {
  id: string;
  event: string;
  eventType: string;
  data: EventData & { entityId: string };
  creationTimeUtc: string;
  attempt?: number;
};

// Kept, because finding the words of a name takes as long as everything else that makes a payload.
const eventTypes = new Map<string, string>();

/** A payload of iComply's documentation, byte for byte. */
export type Sample = { readonly name: string; readonly event: DocumentedEvent; readonly body: Buffer };

/** Returns the samples of all documented events. */
export function samples(): readonly Sample[] {
  const directory = new URL("../samples/", import.meta.url);
  const names = readdirSync(directory).toSorted();
  return names.map((name) => {
    const body = readFileSync(new URL(name, directory));
    const { event } = JSON.parse(body.toString()) as { event: DocumentedEvent };
    return { name, event, body };
  });
}

const sampleData: ReadonlyMap<string, Payload["data"]> = new Map(
  samples().map(({ event, body }) => [event, (JSON.parse(body.toString()) as Payload).data]),
);

/** The events that iComply documents: those that have a sample. */
export const documentedEvents = [...sampleData.keys()] as readonly DocumentedEvent[];

export function isDocumented(event: string): event is DocumentedEvent {
  return sampleData.has(event);
}

/** Returns the payload of a webhook. Fields of `data` that are not given are those of the event's sample. */
export function payload({
  event,
  id = "254",
  entityId = "17f86a38-ee24-4686-8b4d-9251019f0009",
  creationTimeUtc = "2022-02-01T15:09:26.1712603Z",
  attempt,
  data = {},
}: {
  event: string;
  id?: string;
  entityId?: string;
  creationTimeUtc?: string;
  attempt?: number;
  data?: EventData;
}): Payload {
  return {
    id,
    event,
    eventType: eventTypeOf(event),
    data: { ...(sampleData.get(event) ?? { entity: "John Doe" }), ...data, entityId },
    creationTimeUtc,
    ...(attempt === undefined ? {} : { attempt }),
  };
}

/** Returns the bytes that are sent. */
export function encode(payload: unknown): Buffer {
  return Buffer.from(JSON.stringify(payload));
}

/** Returns an event's `eventType`: of `NaturalPersonUploadedID`, `natural-person-uploaded-id`. */
export function eventTypeOf(event: string): string {
  const known = eventTypes.get(event);
  if (known !== undefined) return known;
  const words = event.replace(/\B(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])/g, "-");
  eventTypes.set(event, words.toLowerCase());
  return words.toLowerCase();
}
