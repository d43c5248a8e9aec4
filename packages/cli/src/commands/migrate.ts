import type { Result } from "@dossier/service";
import { migrateConfig } from "../config.ts";
import { command, conclude, exitCodes, paragraphs } from "./command.ts";

export function migrateCommand() {
  return command("migrate")
    .summary("bring the database to this version's schema")
    .description(
      paragraphs(
        `Brings the database to this version's schema: tables, the services' login and rights and,
      where REDIS_URL is not set, the queue. Run it before the services, at every release. It changes
      nothing where nothing is missing, and several at once wait for one another.`,
        `Environment: DATABASE_URL, as the services log in; MIGRATION_DATABASE_URL, as the role that
      shall own the tables (default: DATABASE_URL); REDIS_URL. Each also as NAME_FILE.`,
      ),
    )
    .option("--json", "print what ran as JSON")
    .addHelpText("after", exitCodes({ done: "the database is up to date", failed: "it is not" }))
    .action(async ({ json = false }) => conclude(await run(json)));
}

async function run(json: boolean): Promise<Result<void>> {
  const config = migrateConfig();
  if (!config.ok) return config;
  const { DATABASE_URL, MIGRATION_DATABASE_URL = DATABASE_URL, REDIS_URL } = config.value;
  // Here, not above: no other command waits for the database's clients to load.
  const { prepareSchema } = await import("../schema.ts");
  const queue = REDIS_URL === undefined ? "postgres" : "redis";
  const ran = await prepareSchema({
    ownerUrl: MIGRATION_DATABASE_URL,
    serviceUrl: DATABASE_URL,
    withQueue: queue === "postgres",
  });
  if (json) console.log(JSON.stringify({ ran, queue }));
  else {
    for (const name of ran) console.log(`ran ${name}`);
    if (ran.length === 0) console.log("no migration was missing");
    console.log(
      queue === "postgres" ? "the queue is ready in Postgres" : "the queue is Redis's, and needs nothing",
    );
  }
  if (MIGRATION_DATABASE_URL === DATABASE_URL) {
    process.stderr.write(
      "warning: the services log in as the tables' owner, and could switch off the rule that the log is append-only. Set MIGRATION_DATABASE_URL to another role for the owner.\n",
    );
  }
  return { ok: true, value: undefined };
}
