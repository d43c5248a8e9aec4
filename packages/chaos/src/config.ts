import { env } from "node:process";

/** What the services' processes get of this one's environment. */
export const path = env["PATH"] ?? "";
