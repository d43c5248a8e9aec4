import type { ClientConfig } from "pg";
import { parseIntoClientConfig } from "pg-connection-string";

/** Returns what the next connection logs in with. */
export type ReadLogin = () => ClientConfig;

/** Called at each connection: whether what it logs in with could be read. */
export interface LoginObserver {
  recordFailure(error: unknown): void;
  recordSuccess(): void;
}

/**
 * Reads a database's URL, and the files of certificates that it names, anew for each connection. What is missing or wrong
 * is about to be replaced: then the connection logs in as the one before. Only the first read throws.
 *
 * @param readUrl may throw
 */
export function keepLogin(readUrl: () => string, observer: LoginObserver): ReadLogin {
  let last: ClientConfig | undefined;
  return () => {
    try {
      // Its types name a package that it does not depend on.
      const login: unknown = parseIntoClientConfig(readUrl());
      last = login as ClientConfig;
      observer.recordSuccess();
    } catch (error) {
      if (last === undefined) throw error;
      observer.recordFailure(error);
    }
    return last;
  };
}
