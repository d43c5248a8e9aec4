import { command, conclude, exitCodes, paragraphs } from "./command.ts";

export function upCommand() {
  return command("up")
    .summary("run everything here: Postgres, queue, ingest, worker, console")
    .description(
      paragraphs(
        `Runs everything in one process, to try it out: ingest, worker and console, the record in an
      embedded Postgres, the queue beside it. Sends iComply's six sample payloads the first time,
      and prints the persons' files and where to look. Ctrl-C stops it all in order; what was
      received stays, and the next \`up\` finds it.`,
        `For more than a trial run the services by themselves (docker compose up): each scales and
      restarts alone there.`,
      ),
    )
    .addHelpText("after", ENVIRONMENT)
    .addHelpText(
      "after",
      exitCodes({ done: "stopped in order", failed: "could not start, or not stop in order" }),
    )
    .action(async () => {
      // Here, not above: no other command waits for all the services to load.
      const { runUp } = await import("../up/run.ts");
      conclude(await runUp());
    });
}

const ENVIRONMENT = `
Environment (each also as NAME_FILE):
  INGEST_PORT              where webhooks are taken (default: 8080)
  CONSOLE_PORT             where the API is (default: 8081)
  DOSSIER_DATA_DIR         keeps all data; remove it to start afresh (default: .dossier)
  DATABASE_URL             a Postgres to use instead of the embedded one
  MIGRATION_DATABASE_URL   the same as the tables' owner (default: DATABASE_URL)
  REDIS_URL                a Redis for the queue, ten times as fast as in Postgres
  ICOMPLY_WEBHOOK_SECRETS  comma separated (default: one made up for the trial)
  DOSSIER_API_TOKEN        of the console (default: one made up for the trial)
  LOG_LEVEL, WORKER_CONCURRENCY, MAX_ATTEMPTS, MAX_BODY_BYTES  as for the services`;
