import { redisUrlMistake } from "@dossier/queue/redis-url";
import {
  describeSettings,
  readServiceConfig,
  variables,
  type DatabaseConfig,
  type ProcessConfig,
} from "@dossier/service";
import { z } from "zod";

const schema = z.object({
  PORT: variables.port(8081),
  OPS_PORT: variables.opsPort(9081),
  OPS_HOST: variables.OPS_HOST,
  LOG_LEVEL: variables.LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: variables.OTEL_EXPORTER_OTLP_ENDPOINT,
  DATABASE_URL: variables.DATABASE_URL,
  REDIS_URL: variables.redisUrl(redisUrlMistake),
  CONSOLE_URL: variables.CONSOLE_URL,
  DOSSIER_API_TOKEN: variables.DOSSIER_API_TOKEN,
  STUCK_AFTER_HOURS: variables.STUCK_AFTER_HOURS,
  KEEP_ALIVE_SECONDS: variables.KEEP_ALIVE_SECONDS,
  DRAIN_SECONDS: variables.DRAIN_SECONDS,
});

export type ConsoleConfig = Omit<z.output<typeof schema>, keyof ProcessConfig> & DatabaseConfig;

/** Reads the console's configuration from the environment. */
export const consoleConfig = () => readServiceConfig(schema, process.env);

/** Returns what may be shown of a configuration. */
export const consoleSettings = (config: ConsoleConfig) => describeSettings(schema, config);
