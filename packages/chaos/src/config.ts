import { env } from "node:process";

/** All that the services' processes get of this process's environment. */
export const path = env["PATH"] ?? "";
