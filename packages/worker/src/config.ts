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
  OPS_PORT: variables.opsPort(8082),
  OPS_HOST: variables.OPS_HOST,
  LOG_LEVEL: variables.LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: variables.OTEL_EXPORTER_OTLP_ENDPOINT,
  DATABASE_URL: variables.DATABASE_URL,
  REDIS_URL: variables.redisUrl(redisUrlMistake),
  WORKER_CONCURRENCY: variables.WORKER_CONCURRENCY,
  MAX_ATTEMPTS: variables.MAX_ATTEMPTS,
});

export type WorkerConfig = Omit<z.output<typeof schema>, keyof ProcessConfig> & DatabaseConfig;

/** Reads the worker's configuration from the environment. */
export const workerConfig = () => readServiceConfig(schema, process.env);

/** Returns what may be shown of a configuration. */
export const workerSettings = (config: WorkerConfig) => describeSettings(schema, config);
