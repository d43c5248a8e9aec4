import pg from "pg";
import { scramVerifier } from "./scram.ts";

/** The role that has what the services need, and nothing more; `migrate` makes it. Who logs in is a member of it. */
export const SERVICE_ROLE = "dossier_service";

/**
 * Makes the role as which the services log in a member of `SERVICE_ROLE`, and creates it where it is missing; its
 * password becomes the one in `serviceUrl`, if there is one. Does nothing where both URLs name the same role.
 * Needs a migrated database; safe to repeat. Throws where the role could switch the append-only rule off, being a
 * superuser or a member of the owner.
 *
 * @param ownerUrl a role that may create roles; the tables are its own
 * @param serviceUrl what the services get as DATABASE_URL
 */
export async function ensureServiceLogin(ownerUrl: string, serviceUrl: string): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl, application_name: "dossier migrate" });
  // Never connected: it reads the URL as the services' own clients will.
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
  const secret = password === undefined ? "" : ` password ${pg.escapeLiteral(scramVerifier(password))}`;
  const known = await owner.query<{ is_owner: boolean }>(
    "select pg_has_role(rolname, current_user, 'member') as is_owner from pg_roles where rolname = $1",
    [user],
  );
  if (known.rows[0]?.is_owner)
    throw new Error(
      `the services' role ${role} has all rights of the tables' owner, and could switch off the rule that the log ` +
        "is append-only: name another role in DATABASE_URL; one that is missing is made",
    );
  await owner.query(`${known.rowCount === 0 ? "create" : "alter"} role ${role} login${secret}`);
  await owner.query(`grant ${SERVICE_ROLE} to ${role}`);
  await owner.query(GRANT_ENTRY);
}

// Everyone has these two rights, unless an administrator took them away.
const GRANT_ENTRY = `
  do $$
  begin
    execute format('grant connect on database %I to ${SERVICE_ROLE}', current_database());
    execute format('grant usage on schema %I to ${SERVICE_ROLE}', current_schema());
  end
  $$`;
