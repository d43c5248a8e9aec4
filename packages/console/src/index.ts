export type { ConsoleConfig } from "./config.ts";
export { startConsole } from "./start.ts";
