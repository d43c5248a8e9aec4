export type { DeadLetterPage } from "./api/dead-letters.ts";
export type { FailingDeliveryPage, PersonDeliveryPage } from "./api/deliveries.ts";
export type { DeliveryHistoryAnswer } from "./api/delivery-history.ts";
export type { DiscardResult, RedriveResult } from "./api/decisions.ts";
export type { RedriveDryRun } from "./api/dry-run.ts";
export type { DeadLetterQuery } from "./api/parameters.ts";
export type { StatsAnswer } from "./api/stats.ts";
export type { ConsoleConfig } from "./config.ts";
export { startConsole } from "./start.ts";
