import pg from "pg";

/** Who uses the database: the services, and people who only read, with `dossier verify` or psql. */
export const ROLE_NAMES = ["ingest", "worker", "console", "reader"] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

/** The tables that all but ingest may read. */
const READABLE = [
  "appends",
  "bulk_action_deliveries",
  "bulk_actions",
  "chain_heads",
  "dead_letters",
  "decisions",
  "deliveries",
  "events",
  "failed_attempts",
  "installations",
  "instance_minutes",
  "instances",
  "migrations",
  "natural_persons",
  "open_deliveries",
  "person_search",
  "rebuilt_persons",
  "redeliveries",
  "seals",
  "settlements",
  "streams",
  "unsealed",
];

/** What each service reports of itself, in rows of its own. A trigger sets the time. */
const REPORTS = {
  instances:
    "select, insert (instance_id, service, version, host, pid, stopped, paused_because, jobs, rate, " +
    "settings, secret_fingerprints), " +
    "update (stopped, paused_because, jobs, rate)",
  instance_minutes: "select, insert, update (counts)",
};

/**
 * All else that a role may do, by table: what belongs to one service is written by that service alone, and a time of the
 * record by none.
 * `rebuild` copies the rights on natural_persons and person_search: they must be on the whole table.
 */
const RIGHTS: Readonly<Record<RoleName, Readonly<Record<string, string>>>> = {
  ingest: {
    ...REPORTS,
    deliveries:
      "select (delivery_id), insert (delivery_id, body, headers, verified_by, secret_fingerprint, digest)",
    open_deliveries: "insert (delivery_id, due_at, bytes, traceparent)",
    installations: "select, insert (database_identity)",
    migrations: "select",
  },
  worker: {
    instances: `${REPORTS.instances}, delete`,
    instance_minutes: `${REPORTS.instance_minutes}, delete`,
    open_deliveries: "update (due_at, attempts, stalls, sweeps, snoozed_until, snooze_error), delete",
    settlements: "insert (delivery_id, settled_as)",
    streams: "insert, update (seq, hash)",
    // Two triggers: the log's rows cannot change, and their time of receipt is the delivery's.
    events: "insert",
    redeliveries: "insert",
    appends: "insert (append_id, size, statuses, changes_hash)",
    natural_persons: "insert, update",
    person_search: "insert, update",
    failed_attempts: "insert (delivery_id, attempt, error, stack, code_version)",
    dead_letters: "insert (delivery_id, reason, message, issues, event, id, entity_id, code_version)",
    // A trigger keeps them for 90 days.
    bulk_action_deliveries: "delete",
    unsealed: "insert, delete",
    seals: "insert",
    chain_heads: "update (seq, hash)",
    installations: "insert (database_identity)",
  },
  console: {
    ...REPORTS,
    audit_log: "select, insert (who, action, subject, reason, detail)",
    reveals: "select, insert (session_hash, subject, who, reason)",
    decisions: "insert (delivery_id, action, decided_by, reason)",
    unsealed: "insert",
    // A trigger sets the times.
    bulk_actions:
      "insert (action, filter, reason, created_by, total), " +
      "update (state, confirmed_by, aborted_by, error, decided, missed, queue_missed, last_dead_letter_id, held_by, held_until)",
    bulk_action_deliveries: "insert (bulk_action_id, dead_letter_id, delivery_id), update (failure)",
    open_deliveries: "insert (delivery_id, due_at, bytes)",
    // A trigger sets the time, as in tokens.
    settlements: "update (settled_as), delete",
    appends: "update (first_position, feed_hash)",
    chain_heads: "update (seq, hash)",
    tokens: "select, update (last_used_at)",
    sessions: "select, insert (session_hash, token_id, bootstrap_hash), update (last_seen_at), delete",
    installations: "insert (database_identity)",
  },
  // Not who: that is the login.
  reader: { audit_log: "insert (action, subject, detail)" },
};

/** A database whose tables are in this schema, and the names of its roles. */
export interface GrantTarget {
  readonly database: string;
  readonly schema: string;
  readonly roles: Readonly<Record<RoleName, string>>;
}

/** Returns the statements that give the roles exactly these rights. */
export function grantStatements(target: GrantTarget): string[] {
  const schema = pg.escapeIdentifier(target.schema);
  const roleOf = (name: RoleName) => pg.escapeIdentifier(target.roles[name]);
  const tableOf = (name: string) => `${schema}.${pg.escapeIdentifier(name)}`;
  const all = ROLE_NAMES.map(roleOf).join();
  const tables = new Set([...READABLE, ...Object.values(RIGHTS).flatMap(Object.keys)]);
  return [
    // Before Postgres 15, everybody could create objects there.
    `revoke create on schema ${schema} from public, ${all}`,
    `grant usage on schema ${schema} to ${all}`,
    `revoke all on ${[...tables].map(tableOf).join()} from public, ${all}`,
    `grant select on ${READABLE.map(tableOf).join()} to ${(["worker", "console", "reader"] as const).map(roleOf).join()}`,
    `grant usage on sequence ${tableOf("append_ids")} to ${roleOf("worker")}`,
    ...ROLE_NAMES.flatMap((name) =>
      Object.entries(RIGHTS[name]).map(
        ([table, rights]) => `grant ${rights} on ${tableOf(table)} to ${roleOf(name)}`,
      ),
    ),
    // `using` would also hide rows of other services from the worker, which locks and removes old ones.
    ...(["ingest", "worker", "console"] as const).flatMap((name) =>
      Object.keys(REPORTS).flatMap((table) => [
        `drop policy if exists ${name} on ${tableOf(table)}`,
        `create policy ${name} on ${tableOf(table)} to ${roleOf(name)} using (true) with check (service = '${name}')`,
      ]),
    ),
  ];
}
