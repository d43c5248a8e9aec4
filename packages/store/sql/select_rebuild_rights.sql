select current_user as role, current_database() as database, relowner::regrole::text as owner,
  pg_has_role(relowner, 'usage') as owns, has_database_privilege(current_database(), 'create') as creates
from pg_class
where oid = 'natural_persons'::regclass
