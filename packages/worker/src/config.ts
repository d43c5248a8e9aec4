import { readConfig, variables } from "@dossier/service";
import { z } from "zod";

const schema = z.object({
  PORT: variables.port(8082),
  LOG_LEVEL: variables.LOG_LEVEL,
  DATABASE_URL: variables.DATABASE_URL,
  REDIS_URL: variables.REDIS_URL,
  WORKER_CONCURRENCY: variables.WORKER_CONCURRENCY,
  MAX_ATTEMPTS: variables.MAX_ATTEMPTS,
});

export type WorkerConfig = z.output<typeof schema>;

/** Reads the worker's configuration from the environment. */
export const workerConfig = () => readConfig(schema, process.env);
