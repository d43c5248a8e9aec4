import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";

const ENVIRONMENT = `
Environment (each also as NAME_FILE):
  INGEST_PORT              where webhooks are taken (default: 8080)
  CONSOLE_PORT             where the API is (default: 8081)
  DOSSIER_DATA_DIR         keeps all data; remove it to start afresh (default: .dossier)
  DATABASE_URL             a Postgres to use instead of the embedded one
  MIGRATION_DATABASE_URL   the same as the tables' owner (default: DATABASE_URL)
  REDIS_URL                a Redis for the queue, ten times as fast as in Postgres
  ICOMPLY_WEBHOOK_SECRETS  comma separated (default: one generated for the trial)
  DOSSIER_API_TOKEN        the console's (default: one generated for the trial)
  OPS_PORT, OPS_HOST       where metrics and /readyz are, of all services (default: a free port,
                           always the same)
  LOG_LEVEL, WORKER_CONCURRENCY, MAX_ATTEMPTS, MAX_BODY_BYTES, KEEP_ALIVE_SECONDS, STUCK_AFTER_HOURS,
  OTEL_EXPORTER_OTLP_ENDPOINT
                           as for the services`;

export const upCommand = createCommand("up")
  .summary("run everything here: Postgres, queue, ingest, worker, console")
  .description(
    joinParagraphs(
      `Runs everything in one process, to try it out: ingest, worker and console, the record in an
      embedded Postgres, the queue beside it. Sends the sample payloads of iComply's documentation
      the first time, and prints the resulting persons and where to look. Ctrl-C shuts it all down
      cleanly; what was received is kept, and the next \`up\` finds it.`,
      `For more than a trial, run each service by itself (docker compose up), so that it scales and
      restarts alone.`,
    ),
  )
  .addHelpText("after", ENVIRONMENT)
  .addHelpText(
    "after",
    formatExitCodes({ success: "shut down cleanly", failure: "could not start, or not shut down cleanly" }),
  )
  .action(async () => {
    // Imported here, so that other commands need not load all the services.
    const { runUp } = await import("../up/run.ts");
    reportResult(await runUp());
  });
