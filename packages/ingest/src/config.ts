import { readConfig, variables } from "@dossier/service";
import { z } from "zod";

const schema = z.object({
  PORT: variables.port(8080),
  LOG_LEVEL: variables.LOG_LEVEL,
  DATABASE_URL: variables.DATABASE_URL,
  REDIS_URL: variables.REDIS_URL,
  ICOMPLY_WEBHOOK_SECRETS: variables.ICOMPLY_WEBHOOK_SECRETS,
  MAX_BODY_BYTES: variables.MAX_BODY_BYTES,
});

export type IngestConfig = z.output<typeof schema>;

/** Reads ingest's configuration from the environment. */
export const ingestConfig = () => readConfig(schema, process.env);
