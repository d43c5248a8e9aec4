export { journeys, type JourneyOptions, type Journeys } from "./journeys.ts";
export { encode, payload, type DocumentedEvent, type EventData, type Payload } from "./payload.ts";
export { poison, type Poison } from "./poison.ts";
export type { Identity, Send } from "./sends.ts";
export { sign } from "./sign.ts";
