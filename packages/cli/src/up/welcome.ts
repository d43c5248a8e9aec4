import { join } from "node:path";
import type { ConsoleClient } from "../console/client.ts";
import { table } from "../terminal/table.ts";

/** What `up` runs, and where. */
export interface Place {
  readonly dir: string;
  /** In words, for a person. */
  readonly database: string;
  readonly queue: string;
  readonly ingest: URL;
  readonly worker: URL;
  readonly console: URL;
  /** To sign the samples with, and to read the API. */
  readonly secret: string;
  readonly token: string;
  /** What was made up for the trial, and may be shown. */
  readonly trial: {
    readonly secret: string | undefined;
    readonly token: string | undefined;
    readonly databaseUrl: string | undefined;
  };
}

const SHOWN = 10;

/** The first persons' files, one a line. */
export async function personsTable(client: ConsoleClient): Promise<string> {
  const persons = await client.persons(SHOWN + 1);
  const rows = persons
    .slice(0, SHOWN)
    .map(({ entityId, name, status, version, lastEventAt }) => [
      entityId,
      name ?? "",
      status,
      String(version),
      lastEventAt ?? "",
    ]);
  const more = persons.length > SHOWN ? "\n…" : "";
  return `${table([["person", "name", "status", "events", "last event"], ...rows], [3])}${more}`;
}

/** Where to look, how to send, scale and stop. Repeats no secret but those made up for the trial. */
export function signposts(place: Place): string {
  const { dir, ingest, console, worker, trial } = place;
  const token = trial.token ?? "$DOSSIER_API_TOKEN";
  const secret = trial.secret ?? "one of ICOMPLY_WEBHOOK_SECRETS";
  const persons = new URL("/api/v1/natural-persons", console).href;
  const metrics = [ingest, worker, console].map((service) => new URL("/metrics", service).href);
  const rows = [
    ["API", `curl -H "Authorization: Bearer ${token}" ${persons}`],
    ["", `described at ${new URL("/docs", console).href}`],
    ["Webhooks", `POST ${new URL("/webhooks/icomply", ingest).href}, signed with ${secret}`],
    ["Send more", "npm run dossier -- send FILE…"],
    ["", "npm run dossier -- simulate --persons 1000 --check"],
    ["Faster", "REDIS_URL=redis://… npm start puts the queue in Redis"],
    ["Scale", "docker compose up --scale worker=4"],
    ["Record", `${place.database}; the queue: ${place.queue}`],
    ...(trial.databaseUrl === undefined ? [] : [["", `DATABASE_URL=${trial.databaseUrl}`]]),
    ["Log", join(dir, "dossier.log")],
    ["Metrics", metrics.join(" ")],
    ["Stop", "Ctrl-C"],
  ];
  return [table(rows), ...trialWarning(place)].join("\n");
}

function trialWarning({ dir, trial }: Place): readonly string[] {
  const made = [
    ...(trial.secret === undefined ? [] : ["ICOMPLY_WEBHOOK_SECRETS"]),
    ...(trial.token === undefined ? [] : ["DOSSIER_API_TOKEN"]),
  ];
  if (made.length === 0) return [];
  return [
    "",
    `FOR TRIAL ONLY: ${made.join(" and ")}, not set, were made up and are kept in ${join(dir, "trial.json")}.`,
  ];
}
