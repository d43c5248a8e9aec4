export type { ExpectedPerson } from "./expected.ts";
export {
  documentedEvents,
  encode,
  payload,
  samples,
  type EventData,
  type Payload,
  type Sample,
} from "./payload.ts";
export { Random } from "./random.ts";
export { scenario, type Scenario, type ScenarioOptions } from "./scenario.ts";
export {
  createSender,
  retryFor,
  sign,
  type Sender,
  type SendFailure,
  type SenderOptions,
  type SendResult,
} from "./sender.ts";
export type { DocumentedEvent } from "./status.ts";
export { poison, type Identity, type Poison, type Webhook } from "./webhooks.ts";
