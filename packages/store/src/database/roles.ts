import { hash } from "node:crypto";
import pg from "pg";
import { grantStatements, ROLE_NAMES, type GrantTarget, type RoleName } from "./grants.ts";
import { checkPasswords, findMissingLogins, type LoginUrls, type Statement } from "./logins.ts";
import { lacksPrivilege } from "./outage.ts";

/** The names of a database's roles. None can log in; logins are members. */
export type Roles = GrantTarget["roles"];

/**
 * Gives a migrated database's roles exactly their rights, and creates those that are missing; creates the logins that
 * are missing, and makes them members. Changes no password. All or nothing; safe to repeat, and to run concurrently.
 * Throws if the owner may not do it, with the SQL for somebody who may.
 *
 * @param ownerUrl the role that owns the tables
 * @param logins the services' URLs: their users and passwords are read
 */
export async function ensureRoles(ownerUrl: string, logins: LoginUrls = {}): Promise<Roles> {
  const owner = new pg.Client({ connectionString: ownerUrl, application_name: "dossier migrate" });
  await owner.connect();
  try {
    await owner.query("begin");
    await owner.query("select pg_advisory_xact_lock(hashtext('dossier roles'))");
    const target = await selectTarget(owner);
    const findMissing = async () => [
      ...(await findMissingRoles(owner, target.roles)),
      ...(await findMissingLogins(owner, target, logins)),
      ...(await findMissingAccess(owner, target)),
    ];
    await run(owner, await findMissing());
    // If the owner of the tables does not own the database, Postgres only warns that nothing was granted.
    const left = await findMissing();
    if (left.length > 0) throw explain(left);
    await owner.query(grantStatements(target).join(";\n"));
    await owner.query("commit");
    await checkPasswords(owner, logins);
    return target.roles;
  } finally {
    await owner.end();
  }
}

async function selectTarget(owner: pg.Client): Promise<GrantTarget> {
  const { rows } = await owner.query<{ database: string; schema: string }>(
    "select current_database() as database, current_schema() as schema",
  );
  const { database = "", schema = "" } = rows[0] ?? {};
  return { database, schema, roles: rolesOf(database) };
}

const MAX_NAME_BYTES = 63;

/** Returns the names of a database's roles: databases of one server share none. */
function rolesOf(database: string): Roles {
  const nameOf = (name: RoleName, prefix: string) => `${prefix}_${name}_role`;
  const isTooLong = ROLE_NAMES.some((name) => Buffer.byteLength(nameOf(name, database)) > MAX_NAME_BYTES);
  const prefix = isTooLong ? `dossier_${hash("sha256", database).slice(0, 32)}` : database;
  return {
    ingest: nameOf("ingest", prefix),
    worker: nameOf("worker", prefix),
    console: nameOf("console", prefix),
    reader: nameOf("reader", prefix),
  };
}

async function findMissingRoles(owner: pg.Client, roles: Roles): Promise<readonly Statement[]> {
  const { rows } = await owner.query<{ name: string }>(
    `select name from unnest($1::text[]) as _ (name)
     where not exists (select from pg_roles where rolname = name)`,
    [Object.values(roles)],
  );
  return rows.map(({ name }) => ({ sql: `create role ${pg.escapeIdentifier(name)} nologin` }));
}

/** Returns what is missing so that the owner and the roles may connect to the database, and nobody else. */
async function findMissingAccess(
  owner: pg.Client,
  { database, roles }: GrantTarget,
): Promise<readonly Statement[]> {
  const { rows } = await owner.query<{ name: string; connects: boolean; creates_temporary: boolean }>(
    `select name, has_database_privilege(name, current_database(), 'connect') as connects,
       has_database_privilege(name, current_database(), 'temporary') as creates_temporary
     from unnest($1::text[]) as _ (name)
     where name = 'public' or exists (select from pg_roles where rolname = name)`,
    [["public", ...Object.values(roles)]],
  );
  const of = new Map(rows.map((row) => [row.name, row]));
  const name = pg.escapeIdentifier(database);
  const everyone = of.get("public");
  const closed = everyone?.connects === false && !everyone.creates_temporary;
  const open = Object.values(roles).every((role) => of.get(role)?.connects === true);
  // A dry run of a redrive works on temporary copies.
  if (closed && open && of.get(roles.console)?.creates_temporary === true) return [];
  const allowed = [...Object.values(roles), owner.user ?? ""].map(pg.escapeIdentifier);
  return [
    { sql: `revoke connect, temporary on database ${name} from public` },
    { sql: `grant connect on database ${name} to ${allowed.join(", ")}` },
    { sql: `grant temporary on database ${name} to ${pg.escapeIdentifier(roles.console)}` },
  ];
}

async function run(owner: pg.Client, statements: readonly Statement[]): Promise<void> {
  try {
    for (const { sql } of statements) await owner.query(sql);
  } catch (error) {
    if (lacksPrivilege(error)) throw explain(statements, error);
    throw error;
  }
}

function explain(statements: readonly Statement[], cause?: Error): Error {
  const lines = statements.map(({ sql, shown = sql }) => `  ${shown};`);
  return new Error(
    [
      "the tables' owner may not do this. Run it as a role that may, such as a superuser, then migrate again:",
      ...lines,
    ].join("\n"),
    { cause },
  );
}
