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
  readonly secret: string;
  readonly token: string;
  /** Whether the secret and the token were made up here. */
  readonly trialSecret: boolean;
  readonly trialToken: boolean;
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

/** Where to look, how to send, scale and stop. */
export function signposts(place: Place): string {
  const { dir, ingest, console, worker, token, secret } = place;
  const api = `curl -H "Authorization: Bearer ${token}" ${new URL("/api/v1/natural-persons", console).href}`;
  const rows = [
    ["Page", `${console.href}  (sign in with the token ${token})`],
    ["API", api],
    ["", `described at ${new URL("/docs", console).href}`],
    ["Webhooks", `POST ${new URL("/webhooks/icomply", ingest).href}, signed with ${secret}`],
    ["Send more", "npm run dossier -- send FILE…"],
    ["", "npm run dossier -- simulate --persons 1000 --check"],
    ["Scale", "docker compose up --scale worker=4; one machine: REDIS_URL=redis://… npm start"],
    ["Record", `${place.database}; queue ${place.queue}`],
    [
      "Log",
      `${join(dir, "dossier.log")}; metrics ${metricsOf(ingest)} ${metricsOf(worker)} ${metricsOf(console)}`,
    ],
    ["Stop", "Ctrl-C"],
  ];
  return [table(rows), ...trialWarning(place)].join("\n");
}

function metricsOf(service: URL): string {
  return new URL("/metrics", service).href;
}

function trialWarning({ dir, trialSecret, trialToken }: Place): readonly string[] {
  const made = [...(trialSecret ? ["webhook secret"] : []), ...(trialToken ? ["token"] : [])];
  if (made.length === 0) return [];
  return [
    "",
    `FOR TRIAL ONLY: the ${made.join(" and the ")} ${made.length === 1 ? "was" : "were"} made up here, and ${made.length === 1 ? "is" : "are"} kept in ${join(dir, "trial.json")}.`,
    "For anything else set ICOMPLY_WEBHOOK_SECRETS and DOSSIER_API_TOKEN.",
  ];
}
