import pg from "pg";

interface Excess {
  /** What the login has beyond its role, for people. */
  readonly excess: string;
  /** The statement that takes it away. */
  readonly sql: string;
}

/**
 * What a login has beyond its role, $2, by whatever way: attributes and memberships, also of the role itself, objects of
 * their own, and rights that were granted to the login and that its role has not. Rights granted to everybody are not the
 * login's. Temporary tables are a running service's own.
 */
const SELECT_EXCESS = `
  with
    account as (select * from pg_roles where rolname in ($1, $2)),
    acl (object, columns, items) as (
      select oid::regclass::text, '', relacl from pg_class
      union all select attrelid::regclass::text, format(' (%I)', attname), attacl from pg_attribute
      union all select format('schema %I', nspname), '', nspacl from pg_namespace
      union all select format('routine %s', oid::regprocedure), '', proacl from pg_proc
      union all select format('database %I', datname), '', datacl from pg_database
      union all select format('parameter %s', parname), '', paracl from pg_parameter_acl
    )
  select attribute as excess, format('alter role %I no%s', rolname, attribute) as sql
  from account, lateral (
    values ('superuser', rolsuper), ('createrole', rolcreaterole), ('createdb', rolcreatedb),
      ('replication', rolreplication), ('bypassrls', rolbypassrls)
  ) as _ (attribute, has)
  where has
  union all
  select format('membership in %s', roleid::regrole),
    format('revoke %s from %I granted by %s', roleid::regrole, rolname, grantor::regrole)
  from pg_auth_members join account on member = account.oid
  where roleid::regrole::text <> quote_ident($2)
  union all
  select format('the right to grant %I', $2),
    format('revoke admin option for %I from %I granted by %s', $2, rolname, grantor::regrole)
  from pg_auth_members join account on member = account.oid
  where roleid::regrole::text = quote_ident($2) and admin_option
  union all
  select format('ownership of %s', pg_describe_object(classid, objid, objsubid)),
    format('reassign owned by %I to %I', rolname, current_user)
  from pg_shdepend join account on refclassid = 'pg_authid'::regclass and refobjid = account.oid
  where deptype = 'o' and dbid in (0, (select oid from pg_database where datname = current_database()))
    and classid <> 'pg_default_acl'::regclass
    and not exists (
      select from pg_class where classid = 'pg_class'::regclass and oid = objid and relpersistence = 't'
    )
  union all
  select format('%s%s on %s', privilege_type, columns, object),
    format('revoke %s%s on %s from %I', privilege_type, columns, object, $1)
  from acl, aclexplode(items) as granted
  where grantee = (select oid from account where rolname = $1) and (
    is_grantable or not exists (
      select from aclexplode(items) as own
      where own.grantee = (select oid from account where rolname = $2)
        and own.privilege_type = granted.privilege_type
    )
  )`;

/** Throws if a login has more rights than its role, with the SQL that takes them away. */
export async function refuseExcess(
  owner: pg.Client,
  { name, user }: { readonly name: string; readonly user: string },
  role: string,
): Promise<void> {
  const { rows } = await owner.query<Excess>(SELECT_EXCESS, [user, role]);
  if (rows.length === 0) return;
  const excesses = rows.map(({ excess }) => excess).join(", ");
  const statements = new Set(rows.map(({ sql }) => `  ${sql};`));
  throw new Error(
    [
      `the login of ${name}, ${pg.escapeIdentifier(user)}, has more than its role, ${pg.escapeIdentifier(role)}: ${excesses}. ` +
        "Name another login in its URL, which is created, or take that away as a role that may, then migrate again:",
      ...statements,
    ].join("\n"),
  );
}
