/**
 * Where the queue lives: in Redis, or in the `bullmq` schema of a Postgres database
 * (BullMQ's own Postgres backend: no further server to run, about a tenth of the throughput).
 */
export type QueueLocation = { readonly redisUrl: string } | { readonly databaseUrl: string };

/** Throws where the URL is of another kind; the message never quotes it, as it may hold a password. */
export function checkLocation(location: QueueLocation): void {
  if ("redisUrl" in location) check("the queue's Redis URL", location.redisUrl, ["redis", "rediss"]);
  else check("the queue's Postgres URL", location.databaseUrl, ["postgres", "postgresql"]);
}

function check(what: string, url: string, schemes: readonly string[]): void {
  const scheme = URL.canParse(url) ? new URL(url).protocol.slice(0, -1) : undefined;
  if (scheme !== undefined && schemes.includes(scheme)) return;
  const fault = scheme === undefined ? "is not a URL" : `begins with ${scheme}://`;
  throw new Error(`${what} ${fault}; it must look like ${schemes[0]}://user:password@host:port/database`);
}
