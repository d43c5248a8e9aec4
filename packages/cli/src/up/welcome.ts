import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Person } from "@dossier/events";
import { createSender, retryFor, samples } from "@dossier/simulator";
import { DEFAULT_DATA_DIR } from "../config.ts";
import type { ConsoleClient } from "../console-client.ts";
import { waitUntilSettled } from "../simulation/check.ts";
import { print } from "../terminal/print.ts";
import { formatTable } from "../terminal/table.ts";

const SEND_TIMEOUT_MS = 30_000;
const LISTED = 10;

/** What `up` runs, and where. */
export interface Installation {
  readonly dir: string;
  /** Where the record and the queue are, for people to read. */
  readonly database: string;
  readonly queue: string;
  readonly ingest: URL;
  readonly console: URL;
  /** Of all services: metrics, and why they are not ready. */
  readonly ops: URL;
  /** Signs the samples. */
  readonly secret: string;
  /** The secrets that were generated for the trial, and may be shown; `undefined` where configured. */
  readonly trial: {
    readonly secret: string | undefined;
    readonly token: string | undefined;
    /** Of a login that only reads. */
    readonly readerUrl: string | undefined;
  };
}

/**
 * Sends the sample payloads, unless they were sent from this data folder before, waits until they are settled, and
 * prints the persons. Rejects if a sample is not accepted, or not settled in time.
 */
export async function printPersons(installation: Installation, client: ConsoleClient): Promise<void> {
  const sent = await sendSamples(installation, client);
  const heading = sent
    ? "The sample payloads of iComply's documentation were received, and made these persons:"
    : "The persons in this data folder:";
  print("", heading, "", ...(await formatPersons(client)), "");
}

async function sendSamples({ dir, ingest, secret }: Installation, client: ConsoleClient): Promise<boolean> {
  const marker = join(dir, "samples-sent");
  if (existsSync(marker)) return false;
  const url = new URL("/webhooks/icomply", ingest);
  const sender = createSender({ urls: [url], secret, connections: 1, retry: retryFor(SEND_TIMEOUT_MS) });
  try {
    for (const { name, body } of samples()) {
      const result = await sender.send(body);
      if (result.kind !== "accepted") throw new Error(`${name} was not accepted: ${result.error}`);
    }
  } finally {
    sender.close();
  }
  const open = await waitUntilSettled(client, SEND_TIMEOUT_MS);
  if (open > 0) throw new Error(`${open} deliveries are not settled`);
  await writeFile(marker, "");
  return true;
}

async function formatPersons(client: ConsoleClient): Promise<readonly string[]> {
  const { items } = await client.get<{ items: readonly Person[] }>(`natural-persons?limit=${LISTED + 1}`);
  const rows = items
    .slice(0, LISTED)
    .map(({ entityId, name, status, version, lastEventAt }) => [
      entityId,
      name ?? "",
      status,
      String(version),
      lastEventAt ?? "",
    ]);
  const heading = ["person", "name", "status", "events", "last event"];
  return [...formatTable([heading, ...rows], [3]), ...(items.length > LISTED ? ["…"] : [])];
}

/** Prints where to look, and how to send, scale and stop. Shows no secret but those generated for the trial. */
export function printHints(installation: Installation): void {
  print("", ...formatHints(installation));
}

function formatHints({ dir, database, queue, ingest, console, ops, trial }: Installation): readonly string[] {
  const token = trial.token ?? "$DOSSIER_API_TOKEN";
  const secret = trial.secret ?? "one of ICOMPLY_WEBHOOK_SECRETS";
  const persons = new URL("/api/v1/natural-persons", console).href;
  const command = `${formatAssignments(dir, trial)}npm run dossier --`;
  const rows = [
    ["Console", `${console.href}: sign in with ${token}`],
    ["API", `curl -H "Authorization: Bearer ${token}" ${persons}`],
    ["", `described at ${new URL("/docs", console).href}`],
    ["Webhooks", `POST ${new URL("/webhooks/icomply", ingest).href}, signed with ${secret}`],
    ["Send", `${command} send packages/simulator/samples/natural-person-pending.json`],
    ["", `${command} simulate --persons 1000 --check`],
    ["Dead letters", `${command} dead list`],
    ["Faster", "REDIS_URL=redis://… npm start puts the queue in Redis"],
    ["Scale", "docker compose up --scale worker=4"],
    ["Record", `${database}; the queue: ${queue}`],
    ...(trial.readerUrl === undefined
      ? []
      : [["", `DATABASE_URL=${trial.readerUrl} (reads only: for verify, export and psql)`]]),
    ["Log", join(dir, "dossier.log")],
    ["Metrics", new URL("/metrics", ops).href],
    ["Stop", "Ctrl-C"],
  ];
  return [...formatTable(rows), ...formatTrialWarning(dir, trial)];
}

/** Returns what another terminal's shell must set so that a command finds this trial. */
function formatAssignments(dir: string, trial: Installation["trial"]): string {
  const quoted = `'${dir.replaceAll("'", String.raw`'\''`)}'`;
  return [
    ...(dir === DEFAULT_DATA_DIR ? [] : [`DOSSIER_DATA_DIR=${quoted}`]),
    ...(trial.secret === undefined ? ["ICOMPLY_WEBHOOK_SECRETS=…"] : []),
    ...(trial.token === undefined ? ["DOSSIER_API_TOKEN=…"] : []),
  ]
    .map((assignment) => `${assignment} `)
    .join("");
}

function formatTrialWarning(dir: string, trial: Installation["trial"]): readonly string[] {
  const generated = [
    ...(trial.secret === undefined ? [] : ["ICOMPLY_WEBHOOK_SECRETS"]),
    ...(trial.token === undefined ? [] : ["DOSSIER_API_TOKEN"]),
  ];
  if (generated.length === 0) return [];
  return [
    "",
    `FOR TRIALS ONLY: ${generated.join(" and ")}, not set, were generated and are kept in ${join(dir, "trial.json")}.`,
  ];
}
