import { createHmac, hash, pbkdf2Sync, randomBytes } from "node:crypto";
import { join } from "node:path";
import { runner } from "node-pg-migrate";
import pg from "pg";

/**
 * Migrates the database to this code's schema: runs the numbered files of `migrations/` that have not run yet, in order,
 * each in a transaction. Concurrent calls wait for each other. Returns the names of the files that ran.
 *
 * @param ownerUrl a role that may create tables and roles; it owns the tables
 */
export async function migrate(ownerUrl: string): Promise<readonly string[]> {
  const ran = await runner({
    databaseUrl: ownerUrl,
    dir: join(import.meta.dirname, "..", "..", "migrations"),
    migrationsTable: "migrations",
    direction: "up",
    advisoryLockMode: "wait",
    log: () => undefined,
  });
  return ran.map(({ name }) => name);
}

/** The role with exactly the rights that the services need. `migrate` creates it; the services' logins are members. */
export const SERVICE_ROLE = "dossier_service";

/**
 * Makes the role of `serviceUrl` a member of `SERVICE_ROLE`, creates it if it is missing, and sets its password to the
 * one in the URL, if there is one. Does nothing if both URLs name the same role. Needs a migrated database; safe to
 * repeat. Throws if the role is a superuser or a member of the owner, since it could then disable the append-only rule.
 *
 * @param ownerUrl a role that may create roles; it owns the tables
 * @param serviceUrl what the services get as DATABASE_URL
 */
export async function ensureServiceLogin(ownerUrl: string, serviceUrl: string): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl, application_name: "dossier migrate" });
  // Never connected: it parses the URL as the services' own clients will.
  const service = new pg.Client({ connectionString: serviceUrl });
  if (service.user === undefined || service.user === owner.user) return;
  await owner.connect();
  try {
    await owner.query("begin");
    await owner.query("select pg_advisory_xact_lock(hashtext('dossier service login'))");
    await makeMember(owner, service.user, service.password ?? undefined);
    await owner.query("commit");
  } finally {
    await owner.end();
  }
}

async function makeMember(owner: pg.Client, user: string, password: string | undefined): Promise<void> {
  const role = pg.escapeIdentifier(user);
  const withPassword =
    password === undefined ? "" : ` password ${pg.escapeLiteral(createScramVerifier(password))}`;
  const known = await owner.query<{ is_owner: boolean }>(
    "select pg_has_role(rolname, current_user, 'member') as is_owner from pg_roles where rolname = $1",
    [user],
  );
  if (known.rows[0]?.is_owner)
    throw new Error(
      `role ${role} has all rights of the tables' owner, so it could disable the rule that the log is append-only: ` +
        "name another role in DATABASE_URL; a missing one is created",
    );
  await owner.query(`${known.rowCount === 0 ? "create" : "alter"} role ${role} login${withPassword}`);
  await owner.query(`grant ${SERVICE_ROLE} to ${role}`);
  await owner.query(GRANT_ACCESS);
}

// Everyone has these two rights, unless an administrator has revoked them.
const GRANT_ACCESS = `
  do $$
  begin
    execute format('grant connect on database %I to ${SERVICE_ROLE}', current_database());
    execute format('grant usage on schema %I to ${SERVICE_ROLE}', current_schema());
  end
  $$`;

const SCRAM_ITERATIONS = 4096;

/**
 * Returns what Postgres stores of a password (RFC 5803). It is sent instead of the password, which then appears in no
 * statement and in no server's log.
 */
function createScramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, SCRAM_ITERATIONS, 32, "sha256");
  const keyed = (label: string) => createHmac("sha256", salted).update(label).digest();
  const storedKey = hash("sha256", keyed("Client Key"), "base64");
  const serverKey = keyed("Server Key").toString("base64");
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}
