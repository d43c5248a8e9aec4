import { createHmac, hash, pbkdf2Sync, randomBytes } from "node:crypto";
import pg from "pg";
import { refuseExcess } from "./excess.ts";
import { ROLE_NAMES, type GrantTarget, type RoleName } from "./grants.ts";

/** The URLs of logins, by what each is for. */
export type LoginUrls = Readonly<Partial<Record<RoleName, string | undefined>>>;

/** What is missing. */
export interface Statement {
  readonly sql: string;
  /** How it is shown to people, if not as it is. */
  readonly shown?: string;
}

/**
 * How long a login's statement may take, wait for a lock, leave a transaction idle, and wait for its client to take an
 * answer: a process that hangs or vanishes must not hold its locks for long. Kept by the server, as a pooler such as
 * PgBouncer refuses them as startup parameters.
 */
const TIME_LIMITS: Readonly<Record<RoleName, string | undefined>> = {
  ingest: "10s",
  worker: "15s",
  console: "15s",
  reader: undefined,
};
/** The settings of the time limits. */
export const LIMITED = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
/**
 * No limit of statements ends one that sends its answer to a machine that has vanished: its session would keep its locks
 * for the quarter of an hour until Linux gives up. It shows as 0 on a Unix socket, which cannot vanish.
 */
const OF_CONNECTION = "tcp_user_timeout";

/** Returns what is missing for these logins. Throws if one has more rights than its role. */
export async function findMissingLogins(
  owner: pg.Client,
  { database, roles }: GrantTarget,
  logins: LoginUrls,
): Promise<readonly Statement[]> {
  const missing: Statement[] = [];
  for (const login of parseLogins(logins)) {
    const user = pg.escapeIdentifier(login.user);
    const role = pg.escapeIdentifier(roles[login.name]);
    const { rows } = await owner.query<LoginRow>(SELECT_LOGIN, [login.user, roles[login.name]]);
    const [found] = rows;
    if (found === undefined) missing.push(createStatement(login), { sql: `grant ${role} to ${user}` });
    else {
      checkLogin(login, found);
      await refuseExcess(owner, login, roles[login.name]);
      // Services never `set role`: a login that is a member and does not inherit has no right.
      if (!found.has_rights) missing.push({ sql: `grant ${role} to ${user} with inherit true` });
    }
    const limit = TIME_LIMITS[login.name];
    if (limit === undefined) continue;
    for (const setting of [...LIMITED, OF_CONNECTION]) {
      // A limit of 0 is none.
      if (found?.settings.some((set) => RegExp(`^${setting}=[^0]`).test(set)) === true) continue;
      const inDatabase = `alter role ${user} in database ${pg.escapeIdentifier(database)}`;
      missing.push({ sql: `${inDatabase} set ${setting} = '${limit}'` });
    }
  }
  return missing;
}

interface Login {
  readonly name: RoleName;
  readonly user: string;
  readonly password: string | undefined;
}

/** Returns the logins as the services' own clients will read them from their URLs. Throws if two are the same. */
function parseLogins(urls: LoginUrls): readonly Login[] {
  const logins = ROLE_NAMES.flatMap((name) => {
    const url = urls[name];
    if (url === undefined) return [];
    const { user = "", password } = new pg.Client({ connectionString: url });
    return [{ name, user, password: password ?? undefined }];
  });
  for (const [user, same] of Map.groupBy(logins, (login) => login.user))
    if (same.length > 1)
      throw new Error(
        `${same.map(({ name }) => name).join(" and ")} have the same login, ${pg.escapeIdentifier(user)}: give each its own`,
      );
  return logins;
}

interface LoginRow {
  readonly is_owner: boolean;
  readonly can_log_in: boolean;
  /** Of its role. */
  readonly has_rights: boolean;
  readonly settings: readonly string[];
}

const SELECT_LOGIN = `
  select login.rolcanlogin as can_log_in,
    login.rolname = current_user as is_owner,
    exists (
      select from pg_roles as role where rolname = $2 and pg_has_role(login.oid, role.oid, 'usage')
    ) as has_rights,
    array(
      select unnest(setconfig) from pg_db_role_setting
      where setrole = login.oid
        and setdatabase in (0, (select oid from pg_database where datname = current_database()))
    ) as settings
  from pg_roles as login
  where rolname = $1`;

function checkLogin({ name, user }: Login, { is_owner, can_log_in }: LoginRow): void {
  const login = `the login of ${name}, ${pg.escapeIdentifier(user)},`;
  if (is_owner)
    throw new Error(
      `${login} is the tables' owner, which could disable the rule that the log is append-only: ` +
        "name another one in its URL; a missing one is created",
    );
  if (!can_log_in) throw new Error(`${login} is a role that may not log in: name another one in its URL`);
}

function createStatement({ user, password }: Login): Statement {
  const sql = `create role ${pg.escapeIdentifier(user)} login`;
  if (password === undefined) return { sql };
  return {
    sql: `${sql} password ${pg.escapeLiteral(createScramVerifier(password))}`,
    shown: `${sql} password '…'`,
  };
}

/** Of Postgres; of PgBouncer, whose errors may have one SQLSTATE for all. */
const REFUSALS = /^28P01|^08P01 .*(authentication failed|no such user)/;

/** Throws if the server lets a login not in with its URL's password: none is ever changed. */
export async function checkPasswords(owner: pg.Client, logins: LoginUrls): Promise<void> {
  const { host, port, database = "", ssl } = owner;
  for (const { name, user, password } of parseLogins(logins)) {
    if (password === undefined) continue;
    const client = new pg.Client({ host, port, database, ssl, user, password });
    try {
      await client.connect();
    } catch (error) {
      // Any other error may concern this machine alone, such as a rule about addresses.
      if (!(error instanceof pg.DatabaseError) || !REFUSALS.test(`${error.code} ${error.message}`)) continue;
      throw new Error(
        `the login of ${name}, ${pg.escapeIdentifier(user)}, is not let in with its URL's password; the server says: ${error.message}. ` +
          "Either it has another password, and migrate changes none: to rotate it, name a new login in the URL, which is " +
          "created, and remove the old one once nobody uses it. Or the server is a pooler, such as PgBouncer, that does not " +
          "know the login: add it to its auth_file, or set its auth_query",
        { cause: error },
      );
    } finally {
      await client.end();
    }
  }
}

const SCRAM_ITERATIONS = 4096;

/**
 * Returns what Postgres stores of a password (RFC 5803). It is sent instead of the password, which then appears in no
 * statement and in no server's log.
 */
function createScramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, 32, "sha256");
  const keyed = (label: string) => createHmac("sha256", salted).update(label).digest();
  const storedKey = hash("sha256", keyed("Client Key"), "base64");
  const serverKey = keyed("Server Key").toString("base64");
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}
