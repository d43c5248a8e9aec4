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
  PORT: variables.port(8080),
  OPS_PORT: variables.opsPort(9080),
  OPS_HOST: variables.OPS_HOST,
  LOG_LEVEL: variables.LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: variables.OTEL_EXPORTER_OTLP_ENDPOINT,
  DATABASE_URL: variables.DATABASE_URL,
  REDIS_URL: variables.redisUrl(redisUrlMistake),
  ICOMPLY_WEBHOOK_SECRETS: variables.ICOMPLY_WEBHOOK_SECRETS,
  MAX_BODY_BYTES: variables.MAX_BODY_BYTES,
  KEEP_ALIVE_SECONDS: variables.KEEP_ALIVE_SECONDS,
  DRAIN_SECONDS: variables.DRAIN_SECONDS,
});

export type IngestConfig = Omit<z.output<typeof schema>, keyof ProcessConfig> & DatabaseConfig;

/** Reads ingest's configuration from the environment. */
export const ingestConfig = () => readServiceConfig(schema, process.env);

/** Returns what may be shown of a configuration. */
export const ingestSettings = (config: IngestConfig) => describeSettings(schema, config);
