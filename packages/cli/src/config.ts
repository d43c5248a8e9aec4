import { redisUrlMistake } from "@dossier/queue/redis-url";
import type { Result } from "@dossier/service";
import { readConfig } from "@dossier/service/config";
import * as variables from "@dossier/service/variables";
import { z } from "zod";

const INGEST_PORT = variables.port(8080);
const CONSOLE_PORT = variables.port(8081);
/** Not set: the trial's, else the default. */
const INGEST_PORT_OF_TRIAL = INGEST_PORT.unwrap().optional();
const CONSOLE_PORT_OF_TRIAL = CONSOLE_PORT.unwrap().optional();

export const DEFAULT_DATA_DIR = ".dossier";

const DOSSIER_DATA_DIR = z.string().default(DEFAULT_DATA_DIR).meta({
  shown: true,
  description:
    "The folder in which `dossier up` keeps all its data: the embedded Postgres, the trial's secret and token, the log. Remove it to start afresh.",
});

const MIGRATION_DATABASE_URL = variables.DATABASE_URL.optional().describe(
  "DATABASE_URL's database, as the role that owns the tables. Not set: DATABASE_URL's own role owns them.",
);

const serviceUrl = (service: string) =>
  variables.DATABASE_URL.optional().describe(
    `What ${service} gets as DATABASE_URL: its login is created if it is missing. Not set: none is.`,
  );
const serviceUrls = {
  INGEST_DATABASE_URL: serviceUrl("ingest"),
  WORKER_DATABASE_URL: serviceUrl("the worker"),
  CONSOLE_DATABASE_URL: serviceUrl("the console"),
};

const ICOMPLY_WEBHOOK_SECRETS = variables.ICOMPLY_WEBHOOK_SECRETS.optional().describe(
  "The webhook secrets shown by iComply, comma separated. Not set: one is generated for the trial, and kept in DOSSIER_DATA_DIR.",
);

const DOSSIER_API_TOKEN = variables.DOSSIER_API_TOKEN.describe(
  "The bearer token of the console. Not set: one is generated for the trial, and kept in DOSSIER_DATA_DIR.",
);

const OPS_PORT = variables.opsPort(0).unwrap().optional();

const upSchema = z.object({
  INGEST_PORT,
  CONSOLE_PORT,
  DOSSIER_DATA_DIR,
  DATABASE_URL: variables.DATABASE_URL.optional().describe(
    "A Postgres to keep the record in. Not set: an embedded one keeps it in DOSSIER_DATA_DIR.",
  ),
  MIGRATION_DATABASE_URL,
  ...serviceUrls,
  REDIS_URL: variables.redisUrl(redisUrlMistake),
  ICOMPLY_WEBHOOK_SECRETS,
  DOSSIER_API_TOKEN,
  OPS_PORT,
  OPS_HOST: variables.OPS_HOST,
  LOG_LEVEL: variables.LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: variables.OTEL_EXPORTER_OTLP_ENDPOINT,
  MAX_BODY_BYTES: variables.MAX_BODY_BYTES,
  KEEP_ALIVE_SECONDS: variables.KEEP_ALIVE_SECONDS,
  STUCK_AFTER_HOURS: variables.STUCK_AFTER_HOURS,
  WORKER_CONCURRENCY: variables.WORKER_CONCURRENCY,
  MAX_ATTEMPTS: variables.MAX_ATTEMPTS,
});
export type UpConfig = z.output<typeof upSchema>;
/** Reads what `up` needs: the configuration of all the services. */
export const readUpConfig = () => readConfig(upSchema, process.env);

const databaseSchema = z.object({
  DATABASE_URL: variables.DATABASE_URL.optional(),
  MIGRATION_DATABASE_URL,
  DOSSIER_DATA_DIR,
});
/** Reads where a command finds the database that it reads itself, or as the tables' owner. */
export const readDatabaseConfig = () => readConfig(databaseSchema, process.env);

const requiredSchema = z.object({ DATABASE_URL: variables.DATABASE_URL });
/** As `readDatabaseConfig`, of a command that needs `DATABASE_URL`: nothing else says where the database is. */
export function readRequiredDatabaseUrl(): Result<string> {
  const read = readConfig(requiredSchema, process.env);
  return read.ok ? { ok: true, value: read.value.DATABASE_URL } : read;
}

const migrateSchema = z.object({
  ...serviceUrls,
  REDIS_URL: variables.redisUrl(redisUrlMistake),
});
export const readMigrateConfig = () => readConfig(migrateSchema, process.env);

const webhookSchema = z.object({
  INGEST_PORT: INGEST_PORT_OF_TRIAL,
  DOSSIER_DATA_DIR,
  ICOMPLY_WEBHOOK_SECRETS,
});
/** Reads where webhooks go, and what signs them. */
export const readWebhookConfig = () => readConfig(webhookSchema, process.env);

const consoleSchema = z.object({
  CONSOLE_URL: variables.CONSOLE_URL.meta({
    shown: true,
    description: "Where the console is. Not set: this machine, at CONSOLE_PORT.",
  }),
  CONSOLE_PORT: CONSOLE_PORT_OF_TRIAL,
  DOSSIER_DATA_DIR,
  DOSSIER_API_TOKEN,
});
/** Reads where the console is, and its token. */
export const readConsoleConfig = () => readConfig(consoleSchema, process.env);

const opsSchema = z.object({ OPS_PORT, DOSSIER_DATA_DIR });
/** Reads where a process shows whether it can do its work. */
export const readOpsConfig = () => readConfig(opsSchema, process.env);
