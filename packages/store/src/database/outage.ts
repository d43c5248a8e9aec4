import pg from "pg";

// SQLSTATE classes and codes that speak of the server or of other transactions, not of what was sent.
// Source: https://www.postgresql.org/docs/18/errcodes-appendix.html
const OUTAGE_CLASSES = new Set([
  "08", // connection exception
  "0A", // feature not supported: a plan that a migration made stale
  "25", // invalid transaction state: a statement before it failed, or the transaction idled too long
  "26", // invalid SQL statement name: a pooler gave the session to another
  "40", // transaction rollback: serialization, deadlock
  "53", // insufficient resources: disk full, out of memory, too many connections
  "55", // object not in prerequisite state: lock not available
  "57", // operator intervention: shutdown, cancelled, starting up
  "58", // system error: I/O
  "28", // invalid authorization: a password being rotated
  "3D", // the database is not there (yet)
  "42", // no such table, no such right: a migration that has not run
  "XX", // internal error: corrupted data
]);

/**
 * Whether an error is the fault of the surroundings (Postgres away, failing over, full, busy, not migrated): then
 * the same work may succeed later, and no delivery is to blame. Everything else belongs to what was being done.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return OUTAGE_CLASSES.has((error.code ?? "XX").slice(0, 2));
  if (!(error instanceof Error)) return false;
  if ("syscall" in error || "errno" in error) return true;
  return CONNECTION_MESSAGES.some((message) => error.message.includes(message));
}

// What pg throws of itself has no code.
const CONNECTION_MESSAGES = [
  "Connection terminated",
  "Client has encountered a connection error",
  "Client was closed",
  "Query read timeout",
  "timeout exceeded when trying to connect",
  "Cannot use a pool after calling end",
];
