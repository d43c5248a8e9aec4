import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "./logger.ts";
import { outageLog, type OutageLog } from "./outage-log.ts";
import type { ServiceContext } from "./run-service.ts";
import type { Result } from "./run.ts";

/** How soon a database that was unavailable at the start is checked again, in milliseconds. */
const RETRY_MS = 1_000;

/** What a check found: a login, whether it may change what nobody should, and which limits of time are not set. */
interface CheckedLogin {
  readonly login: string;
  readonly owns: boolean;
  readonly unlimited: readonly string[];
}

/**
 * Checks that a service can work on its database, at the start or, if it is unavailable then, as soon as it is there. Warns
 * of the owner's login, and of one without time limits.
 *
 * @param check resolves to `undefined` while the database is unavailable
 * @returns why the service cannot start. If that shows only later, the process ends
 */
export async function checkDatabase(
  service: string,
  check: () => Promise<Result<CheckedLogin> | undefined>,
  { log, fail, shutdownSignal }: Pick<ServiceContext, "log" | "fail" | "shutdownSignal">,
): Promise<Result<void>> {
  async function checkOnce(): Promise<Result<void> | undefined> {
    const checked = await check();
    if (checked?.ok !== true) return checked;
    const { login, owns, unlimited } = checked.value;
    const remedy = `run \`dossier migrate\` with ${service.toUpperCase()}_DATABASE_URL, a login of its own`;
    if (owns) log.warn({ code: "owner-login", login, remedy }, "the login may change what is recorded");
    if (unlimited.length > 0) {
      log.warn(
        { code: "no-time-limits", login, settings: unlimited.join(), remedy },
        "the login has no time limits",
      );
    }
    return { ok: true, value: undefined };
  }

  async function checkLater(): Promise<void> {
    let checked: Result<void> | undefined;
    while (checked === undefined) {
      await delay(RETRY_MS, undefined, { signal: shutdownSignal }).catch(() => undefined);
      if (shutdownSignal.aborted) return;
      checked = await checkOnce();
    }
    if (!checked.ok) fail(checked.error);
  }

  const checked = await checkOnce();
  if (checked === undefined) void checkLater();
  return checked ?? { ok: true, value: undefined };
}

/** Logs that what a service logs in with cannot be read: its connections log in as those before. */
export function loginLog(log: Logger): OutageLog {
  return outageLog(log, {
    began: {
      code: "login-unreadable",
      message: "a file that the database's login needs cannot be read; logging in as before",
    },
    ended: { code: "login-readable", message: "the files that the database's login needs can be read again" },
  });
}
