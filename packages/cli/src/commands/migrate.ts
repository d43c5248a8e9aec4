import type { Result } from "@dossier/service";
import { readMigrateConfig } from "../config.ts";
import { print, printError, printJson } from "../terminal/print.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";

export const migrateCommand = createCommand("migrate")
  .summary("bring the database to this version's schema")
  .description(
    joinParagraphs(
      `Brings the database to this version's schema: tables, the services' login and rights and,
      unless REDIS_URL is set, the queue. Run it at every release, before the services. It changes
      nothing if nothing is missing, and concurrent runs wait for one another.`,
      `Environment: DATABASE_URL, as the services log in; MIGRATION_DATABASE_URL, as the role that
      owns the tables (default: DATABASE_URL); REDIS_URL. Each also as NAME_FILE.`,
    ),
  )
  .option("--json", "print what ran as JSON")
  .addHelpText("after", formatExitCodes({ success: "the database is up to date", failure: "it is not" }))
  .action(async ({ json = false }) => reportResult(await runMigrate(json)));

async function runMigrate(json: boolean): Promise<Result<void>> {
  const config = readMigrateConfig();
  if (!config.ok) return config;
  const { DATABASE_URL, MIGRATION_DATABASE_URL = DATABASE_URL, REDIS_URL } = config.value;
  const queue = REDIS_URL === undefined ? "postgres" : "redis";
  const ran = await prepareSchema({
    ownerUrl: MIGRATION_DATABASE_URL,
    serviceUrl: DATABASE_URL,
    withQueue: queue === "postgres",
  });
  if (json) printJson({ ran, queue });
  else {
    for (const name of ran) print(`ran ${name}`);
    if (ran.length === 0) print("no migration was missing");
    print(queue === "postgres" ? "the queue is ready in Postgres" : "the queue is in Redis, and needs none");
  }
  if (MIGRATION_DATABASE_URL === DATABASE_URL) {
    printError(
      "warning: the services log in as the tables' owner, and could drop the rule that the log is append-only. Set MIGRATION_DATABASE_URL to another role for the owner.",
    );
  }
  return { ok: true, value: undefined };
}

export interface SchemaOptions {
  /** As the role that owns the tables. */
  readonly ownerUrl: string;
  /** As the services log in; this role is created if it is missing and is not the owner. */
  readonly serviceUrl: string;
  /** Whether the queue is in this database, and needs its own tables there. */
  readonly withQueue: boolean;
}

/**
 * Brings a database to this code's schema. Safe to repeat, and to run concurrently.
 *
 * @returns the names of the migrations that were missing
 */
export async function prepareSchema(options: SchemaOptions): Promise<readonly string[]> {
  const { ownerUrl, serviceUrl, withQueue } = options;
  // Imported here, so that other commands need not load the database's clients.
  const [{ ensureServiceLogin, migrate, SERVICE_ROLE }, { migrateQueue }] = await Promise.all([
    import("@dossier/store"),
    import("@dossier/queue"),
  ]);
  const ran = await migrate(ownerUrl);
  await ensureServiceLogin(ownerUrl, serviceUrl);
  if (withQueue) await migrateQueue(ownerUrl, SERVICE_ROLE);
  return ran;
}
