export type { IngestConfig } from "./config.ts";
export { startIngest } from "./start.ts";
