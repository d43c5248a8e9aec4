export { encode, payload, type DocumentedEvent, type EventData, type Payload } from "./payload.ts";
export { poison, type Poison } from "./poison.ts";
export { Random } from "./random.ts";
export { scenario, type Scenario, type ScenarioOptions } from "./scenario.ts";
export type { Identity, Send } from "./sends.ts";
export { sign } from "./sign.ts";
