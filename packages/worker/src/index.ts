export type { WorkerConfig } from "./config.ts";
export { startWorker } from "./start.ts";
