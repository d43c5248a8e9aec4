/** Stands wherever a person's data may stand, so that one search finds every place where they leak. */
export const CANARY = "Canary-7f3a9c";
export const CANARY_ENTITY_ID = "00000000-0000-4000-8000-00000ca4a57e";

const data = {
  entityId: CANARY_ENTITY_ID,
  entity: CANARY,
  email: `${CANARY}@example.com`,
  sessionId: "1",
  isClientUpdateRequest: false,
  message: `${CANARY} submitted personal info`,
};
const payload = {
  id: "1",
  event: "NaturalPersonPending",
  eventType: "natural-person-pending",
  creationTimeUtc: "2022-02-01T15:09:26.1712603Z",
  data,
};

/** Returns bodies that hold the canary, by the outcome that each has when they are sent in this order. */
export function canaries(secret: string): Readonly<Record<string, string>> {
  return {
    accepted: JSON.stringify({ ...payload, secret }),
    duplicate: JSON.stringify({ ...payload, attempt: 2 }),
    "conflicting-duplicate": JSON.stringify({ ...payload, data: { ...data, message: `${CANARY} again` } }),
    unparsable: `{"${CANARY}": ${CANARY}`,
    "without-identity": JSON.stringify({ ...payload, id: { [CANARY]: CANARY } }),
    "without-a-time": JSON.stringify({ ...payload, id: "2", creationTimeUtc: CANARY }),
    "with-wrong-data": JSON.stringify({ ...payload, id: "3", data: { ...data, email: [CANARY] } }),
    "with-nul": JSON.stringify({ ...payload, id: "4", data: { ...data, entity: `${CANARY}\0` } }),
    "of-an-unknown-type": JSON.stringify({ ...payload, id: "5", event: `NaturalPerson${CANARY}` }),
  };
}
