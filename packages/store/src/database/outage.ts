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
  "XX", // internal error
]);

/**
 * Whether an error is the fault of the surroundings (Postgres away, failing over, full, busy, not migrated): then
 * the same work may succeed later, and no delivery is to blame. Everything else belongs to what was being done.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    return OUTAGE_CLASSES.has((error.code ?? "XX000").slice(0, 2));
  }
  if (!(error instanceof Error)) return false;
  // A host with several addresses fails with one error for each.
  if (error instanceof AggregateError) return error.errors.some(isOutage);
  if ("code" in error && typeof error.code === "string") return CONNECTION_CODE.test(error.code);
  return CONNECTION_MESSAGES.some((message) => error.message.includes(message));
}

/** Codes of the system, of name lookups and certificates; of Node's own, the others speak of wrong arguments. */
const CONNECTION_CODE = /^(?!ERR_)|^ERR_(?:SSL|TLS|SOCKET|STREAM)_/;

// What pg throws of itself has no code.
const CONNECTION_MESSAGES = [
  "Connection terminated",
  "Client has encountered a connection error",
  "Client was closed",
  "Query read timeout",
  "timeout expired",
  "timeout exceeded when trying to connect",
  "error establishing an SSL connection",
  "server does not support SSL connections",
  "Cannot use a pool after calling end",
];

const MAY_CONCERN_ONE_DELIVERY = new Set([
  "57014", // cancelled: the time for a statement was over
  "25P03", // the transaction stood still for too long
  "XX000", // internal error
  "XX001", // a page that cannot be read: whoever has need of it fails
  "XX002", // an index that cannot be read
]);

/**
 * Whether an outage may be one of this work alone: it takes too long, or meets a fault of Postgres. It is, where
 * Postgres answers others meanwhile.
 */
export function mayConcernOneDelivery(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return MAY_CONCERN_ONE_DELIVERY.has(error.code ?? "XX000");
  return error instanceof Error && error.message === "Query read timeout";
}
