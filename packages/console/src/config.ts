import { readConfig, variables } from "@dossier/service";
import { z } from "zod";

const schema = z.object({
  PORT: variables.port(8081),
  LOG_LEVEL: variables.LOG_LEVEL,
  DATABASE_URL: variables.DATABASE_URL,
  REDIS_URL: variables.REDIS_URL,
  DOSSIER_API_TOKEN: variables.DOSSIER_API_TOKEN,
});

export type ConsoleConfig = z.output<typeof schema>;

/** Reads the console's configuration from the environment. */
export const consoleConfig = () => readConfig(schema, process.env);
