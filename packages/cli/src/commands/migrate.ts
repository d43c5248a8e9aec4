import type { Result } from "@dossier/service";
import type { LoginUrls, Migrated } from "@dossier/store";
import { readMigrateConfig } from "../config.ts";
import { findDatabaseUrl, OWNER_ENVIRONMENT } from "../database-url.ts";
import { print, printError, printJson } from "../terminal/print.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";

export const migrateCommand = createCommand("migrate")
  .summary("bring the database to this version's schema")
  .description(
    joinParagraphs(
      `Brings the database to this version's schema: tables, a role for each service with its rights, the services'
      logins and, unless REDIS_URL is set, the queue. Run it at every release, before the services. It creates what
      is missing, grants all rights anew and changes no password; concurrent runs wait for one another. If the
      tables' owner may not create roles, it prints the SQL for somebody who may.`,
      `${OWNER_ENVIRONMENT} Also INGEST_DATABASE_URL, WORKER_DATABASE_URL and CONSOLE_DATABASE_URL, what each service
      gets as DATABASE_URL: its login is created if it is missing; and REDIS_URL.`,
    ),
  )
  .option("--json", "print what ran as JSON")
  .addHelpText("after", formatExitCodes({ success: "the database is up to date", failure: "it failed" }))
  .action(async ({ json = false }) => reportResult(await runMigrate(json)));

async function runMigrate(json: boolean): Promise<Result<void>> {
  const config = readMigrateConfig();
  if (!config.ok) return config;
  const url = await findDatabaseUrl("owner");
  if (!url.ok) return url;
  const { REDIS_URL } = config.value;
  const queue = REDIS_URL === undefined ? "postgres" : "redis";
  const logins = loginsOf(config.value);
  const { ran, roles } = await prepareSchema({
    ownerUrl: url.value,
    logins,
    withQueue: queue === "postgres",
  });
  if (json) printJson({ ran, queue, roles });
  else {
    for (const name of ran) print(`ran ${name}`);
    if (ran.length === 0) print("no migration was missing");
    print(queue === "postgres" ? "the queue is ready in Postgres" : "the queue is in Redis, and needs none");
  }
  for (const service of SERVICES) {
    if (logins[service] !== undefined) continue;
    printError(
      `note: no login was created for ${service}: set ${VARIABLES[service]}, or grant ${roles[service]} to a login`,
    );
  }
  return { ok: true, value: undefined };
}

const SERVICES = ["ingest", "worker", "console"] as const;
const VARIABLES = {
  ingest: "INGEST_DATABASE_URL",
  worker: "WORKER_DATABASE_URL",
  console: "CONSOLE_DATABASE_URL",
} as const;

/** Returns the services' logins that are configured. */
export function loginsOf(config: {
  readonly [Name in (typeof VARIABLES)[keyof typeof VARIABLES]]?: string | undefined;
}): LoginUrls {
  return {
    ingest: config.INGEST_DATABASE_URL,
    worker: config.WORKER_DATABASE_URL,
    console: config.CONSOLE_DATABASE_URL,
  };
}

export interface SchemaOptions {
  /** As the role that owns the tables. */
  readonly ownerUrl: string;
  /** The logins to create if they are missing. */
  readonly logins: LoginUrls;
  /** Whether the queue is in this database, and needs its own tables there. */
  readonly withQueue: boolean;
}

/** Brings a database to this code's schema. Safe to repeat, and to run concurrently. */
export async function prepareSchema({ ownerUrl, logins, withQueue }: SchemaOptions): Promise<Migrated> {
  // Imported here, so that other commands need not load the database's clients.
  const [{ migrate }, { migrateQueue }] = await Promise.all([
    import("@dossier/store"),
    import("@dossier/queue"),
  ]);
  const migrated = await migrate(ownerUrl, logins);
  const { ingest, worker, console } = migrated.roles;
  if (withQueue) await migrateQueue(ownerUrl, [ingest, worker, console]);
  return migrated;
}
