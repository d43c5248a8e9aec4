/** What `data` may say beside `entityId`; each documented event has its own choice of these. */
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

/**
 * A delivery's payload as iComply's page shows it. What is not given is taken from the page's
 * sample of that event; fields of `data` are overridden one by one.
 */
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
  const sample: EventData = isDocumented(event) ? samples[event] : { entity: "John Doe" };
  return {
    id,
    event,
    eventType: eventTypeOf(event),
    data: { ...sample, ...data, entityId },
    creationTimeUtc,
    ...(attempt === undefined ? {} : { attempt }),
  };
}

/** The bytes that go over the wire. */
export function encode(message: unknown): Buffer {
  return Buffer.from(JSON.stringify(message));
}

export function isDocumented(event: string): event is DocumentedEvent {
  return Object.hasOwn(samples, event);
}

// Kept, because finding the words in a name costs as much as writing the rest of a message.
const eventTypes = new Map<string, string>();

/** `NaturalPersonUploadedID` as `eventType` has it: `natural-person-uploaded-id`. */
export function eventTypeOf(event: string): string {
  const known = eventTypes.get(event);
  if (known !== undefined) return known;
  const words = event.replace(/\B(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])/g, "-");
  eventTypes.set(event, words.toLowerCase());
  return words.toLowerCase();
}

const client = {
  isClientUpdateRequest: false,
  entity: "John Doe",
  email: "john.doe@mail.com",
  sessionId: "8da6eb06-778a-40a4-b2a5-8120cb440982",
};
const approval = {
  entity: "John Doe",
  userName: "Milan Doe",
  userEmail: "milan@testing.com",
  entityStatus: "approved",
};
const samples = {
  NaturalPersonPending: {
    entityCreated: true,
    ...client,
    message: "John Doe submitted personal info",
  },
  NaturalPersonStartedIDUpload: {
    ...client,
    message: "John Doe is uploading Identity Document",
    documentType: "driverLicense",
  },
  NaturalPersonUploadedID: {
    ...client,
    message: "John Doe uploaded Identity Document",
    documentType: "driverLicense",
  },
  NaturalPersonUploadedSupportingDocument: {
    ...client,
    supportingDocumentId: "12344326-17b8-4e18-8b61-12a9be9f6cd4",
    supportingDocumentType: "Proof of Income",
    supportingDocumentDescription: "Description Proof of Income",
    message: "John Doe uploaded Supporting Document",
  },
  NaturalPersonManuallyApproved: {
    ...approval,
    description: "John Doe was manually approved by Milan",
  },
  NaturalPersonAutoApproved: { ...approval, description: "John Doe was automatically approved" },
} satisfies Record<string, EventData>;

/** The six events that iComply documents. */
export type DocumentedEvent = keyof typeof samples;
