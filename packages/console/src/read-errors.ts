import type { Logger, OutageLog } from "@dossier/service";
import { isOutage, isRetryable } from "@dossier/store";

/** Returns what reports an error of an answer that broke off after it began, when no problem can be answered any more. */
export type OnReadError = (code: string, message: string) => (err: unknown) => void;

export function createOnReadError(log: Logger, postgres: OutageLog): OnReadError {
  return (code, message) => (err) => {
    if (isOutage(err)) postgres.recordFailure(err);
    else if (!isRetryable(err)) log.error({ code, unexpected: err }, message);
  };
}
