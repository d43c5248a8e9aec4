import pg from "pg";

/**
 * SQLSTATE classes of errors that the server's state causes, and not the data that was sent: the same statement may
 * succeed later. Every other class (21, 22, 23, 44, 54 and so on) is about the data or about this program.
 * Source: https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const OUTAGE_CLASSES: ReadonlySet<string> = new Set([
  "08", // connection exception: refused, lost, or a pooler that has no server
  "0A", // feature not supported: a migration changed what a prepared statement returns
  "25", // invalid transaction state: read-only after a failover, idle for too long, an earlier statement failed
  "26", // invalid SQL statement name: a pooler gave the session another connection
  "28", // invalid authorization specification: a role or password is being changed
  "3D", // invalid catalog name: the database does not exist (yet)
  "3F", // invalid schema name: a migration has not run
  "42", // syntax error or access rule violation: a table, column or right is missing as a migration has not run
  "53", // insufficient resources: disk full, out of memory, too many connections
  "55", // object not in prerequisite state: a lock was not available in time
  "57", // operator intervention: shutdown, startup, cancelled statement
  "58", // system error: I/O
  "F0", // configuration file error
  "XX", // internal error, corrupted data or index
]);

/** Transaction rollback: serialization failure, deadlock. Postgres works; another transaction was in the way. */
const CONFLICT_CLASS = "40";

/**
 * Whether an error means that Postgres cannot be used at present: unreachable, failing over, full, overloaded, or not
 * migrated. No delivery is the cause, and the same work may succeed later. An outage is worth a log line and a pause.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return OUTAGE_CLASSES.has(classOf(error));
  if (!(error instanceof Error)) return false;
  // A host with several addresses fails with one error for each.
  if (error instanceof AggregateError) return error.errors.some(isOutage);
  if ("code" in error && typeof error.code === "string") return CONNECTION_CODE.test(error.code);
  return CONNECTION_MESSAGES.some((message) => error.message.includes(message));
}

/**
 * Whether the same work may succeed when it is retried unchanged, so that it must use no attempt: an outage, or a
 * conflict with another transaction. A conflict is no outage: retry it without a pause or a log line about Postgres.
 */
export function isRetryable(error: unknown): boolean {
  return isOutage(error) || (error instanceof pg.DatabaseError && classOf(error) === CONFLICT_CLASS);
}

const INSUFFICIENT_PRIVILEGE = "42501";

/** Whether the login may not do it. */
export function lacksPrivilege(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && error.code === INSUFFICIENT_PRIVILEGE;
}

/**
 * Returns why TLS to the server cannot work as the URL says it, with what to do; `undefined` for any other error. At a
 * start it is a mistake. Later it may be a certificate that is just being replaced.
 */
export function findTlsMistake(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `the server's certificate is for another host (${error.message}); the URL must name the host as the certificate does`;
  if (UNTRUSTED.test(code ?? ""))
    return `the server's certificate is not trusted (${error.message}); sslrootcert must name the file of the authority that issued it`;
  if (syscall === "open" && path !== undefined)
    return `a file that it names cannot be read (${error.message})`;
  return error.message.includes("server does not support SSL connections")
    ? "the server does not offer TLS; switch it on there, or leave sslmode out"
    : undefined;
}

const UNTRUSTED = /SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|^CERT_/;

function classOf({ code = INTERNAL_ERROR }: pg.DatabaseError): string {
  return code.slice(0, 2);
}

const INTERNAL_ERROR = "XX000";

/** Error codes of the system, of name lookups and of certificates. Node's other codes are about wrong arguments. */
const CONNECTION_CODE = /^(?!ERR_)|^ERR_(?:SSL|TLS|SOCKET|STREAM)_/;

const READ_TIMEOUT = "Query read timeout";

// The client's own errors have no code.
const CONNECTION_MESSAGES = [
  READ_TIMEOUT,
  "Connection terminated",
  "Client has encountered a connection error",
  "Client was closed",
  "timeout expired",
  "timeout exceeded when trying to connect",
  "error establishing an SSL connection",
  "server does not support SSL connections",
  "Cannot use a pool after calling end",
];

const MAY_CONCERN_ONE_DELIVERY: ReadonlySet<string> = new Set([
  "57014", // cancelled: the statement took too long
  "25P03", // the transaction was idle for too long
  INTERNAL_ERROR,
  "XX001", // corrupted data: every statement that reads this page fails
  "XX002", // corrupted index
]);

/**
 * Whether an outage may be one that only this work sees: it takes too long, or triggers a bug of Postgres. The caller
 * finds out by asking whether Postgres answers other statements.
 */
export function mayConcernOneDelivery(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return MAY_CONCERN_ONE_DELIVERY.has(error.code ?? INTERNAL_ERROR);
  return error instanceof Error && error.message === READ_TIMEOUT;
}
