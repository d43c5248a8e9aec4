import { readConfig, variables } from "@dossier/service";
import { z } from "zod";

const DOSSIER_DATA_DIR = z.string().default(".dossier").meta({
  shown: true,
  description:
    "The folder in which `dossier up` keeps all its data: the embedded Postgres, the trial's secret and token, the log. Removing it starts afresh.",
});

const MIGRATION_DATABASE_URL = variables.DATABASE_URL.optional().describe(
  "DATABASE_URL's database, as the role that shall own the tables. Not set: DATABASE_URL's own role owns them, and could switch off the rule that the log is append-only.",
);

const ICOMPLY_WEBHOOK_SECRETS = variables.ICOMPLY_WEBHOOK_SECRETS.optional().describe(
  "The webhook secrets shown by iComply, comma separated. Not set: one is made up for the trial, and kept in DOSSIER_DATA_DIR.",
);

const DOSSIER_API_TOKEN = variables.DOSSIER_API_TOKEN.describe(
  "The bearer token of the console. Not set: one is made up for the trial, and kept in DOSSIER_DATA_DIR.",
);

const upSchema = z.object({
  INGEST_PORT: variables.port(8080),
  CONSOLE_PORT: variables.port(8081),
  DOSSIER_DATA_DIR,
  DATABASE_URL: variables.DATABASE_URL.optional().describe(
    "A Postgres to keep the record in. Not set: an embedded one keeps it in DOSSIER_DATA_DIR.",
  ),
  MIGRATION_DATABASE_URL,
  REDIS_URL: variables.REDIS_URL,
  ICOMPLY_WEBHOOK_SECRETS,
  DOSSIER_API_TOKEN,
  LOG_LEVEL: variables.LOG_LEVEL,
  MAX_BODY_BYTES: variables.MAX_BODY_BYTES,
  WORKER_CONCURRENCY: variables.WORKER_CONCURRENCY,
  MAX_ATTEMPTS: variables.MAX_ATTEMPTS,
});
export type UpConfig = z.output<typeof upSchema>;
export const upConfig = () => readConfig(upSchema, process.env);

const migrateSchema = z.object({
  DATABASE_URL: variables.DATABASE_URL,
  MIGRATION_DATABASE_URL,
  REDIS_URL: variables.REDIS_URL,
});
export const migrateConfig = () => readConfig(migrateSchema, process.env);

const clientSchema = z.object({
  INGEST_PORT: variables.port(8080),
  CONSOLE_PORT: variables.port(8081),
  DOSSIER_DATA_DIR,
  ICOMPLY_WEBHOOK_SECRETS,
  DOSSIER_API_TOKEN,
});
/** What tells a command where the services are and how to be let in. */
export const clientConfig = () => readConfig(clientSchema, process.env);

const recordSchema = z.object({
  DATABASE_URL: variables.DATABASE_URL,
  REDIS_URL: variables.REDIS_URL,
  USER: z.string().optional(),
});
/** What a command needs that works on the record itself, and who runs it. */
export const recordConfig = () => readConfig(recordSchema, process.env);

const ownerSchema = z.object({ DATABASE_URL: variables.DATABASE_URL, MIGRATION_DATABASE_URL });
/** What a command needs that works as the tables' owner. */
export const ownerConfig = () => readConfig(ownerSchema, process.env);
