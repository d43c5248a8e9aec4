import { err, ok, type Result } from "@dossier/events";
import type { RoleName } from "./grants.ts";
import { LIMITED } from "./logins.ts";
import { findTlsMistake, isOutage, lacksPrivilege } from "./outage.ts";
import type { Pool } from "./pool.ts";
import { checkSessions } from "./pooler.ts";

/** What only this service writes: a login that may not has not the service's role. */
const WRITTEN: Readonly<Record<Exclude<RoleName, "reader">, string>> = {
  ingest: "deliveries",
  worker: "events",
  console: "decisions",
};

/** A login that a service can work with. */
export interface ServiceLogin {
  readonly login: string;
  /** Whether it owns what it writes, or is a superuser: then it may change what nobody should. */
  readonly owns: boolean;
  /** The settings of the time limits that it has not. */
  readonly unlimited: readonly string[];
}

const SELECT_LOGIN = `
  select current_user as login, has_any_column_privilege($1, 'insert') as may_write,
    (select pg_has_role(relowner, 'usage') from pg_class where oid = $1::regclass) as owns,
    array(select name from unnest($2::text[]) as _ (name) where current_setting(name) = '0') as unlimited`;

/**
 * Checks that a service can work as it is configured: that its login has its rights, and each connection keeps its session
 * of the server. Needs two connections of the pool.
 *
 * @returns the login, or an error for whoever configures the service; `undefined` while Postgres is unavailable
 */
export async function checkServiceLogin(
  pool: Pool,
  service: keyof typeof WRITTEN,
): Promise<Result<ServiceLogin, string> | undefined> {
  const table = WRITTEN[service];
  try {
    const sessions = await checkSessions(pool);
    if (!sessions.ok) return sessions;
    const { rows } = await pool.query<ServiceLogin & { may_write: boolean }>(SELECT_LOGIN, [table, LIMITED]);
    const { login = "", may_write = false, owns = false, unlimited = [] } = rows[0] ?? {};
    return may_write
      ? ok({ login, owns, unlimited })
      : err(describeLack(service, `it may not write ${table}`));
  } catch (error) {
    // To wait would not help: nobody grants rights to a running service.
    if (lacksPrivilege(error)) return err(describeLack(service, error.message));
    const mistake = findTlsMistake(error);
    if (mistake !== undefined) return err(`DATABASE_URL: ${mistake}`);
    if (isOutage(error)) return undefined;
    throw error;
  }
}

function describeLack(service: string, reason: string): string {
  return (
    `DATABASE_URL's login has not the rights of ${service} (${reason}): run \`dossier migrate\` with this URL as ` +
    `${service.toUpperCase()}_DATABASE_URL, which grants them or prints the SQL.`
  );
}
