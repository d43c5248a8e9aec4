-- Which installation this is. Its id is in the names of the queue's keys, so that installations that share a Redis do
-- not take each other's jobs. It is bound to the database: a restored copy is another installation.

create function database_identity() returns text language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  database text := (select oid::text from pg_database where datname = current_database());
begin
  return (select system_identifier from pg_control_system()) || '/' || database;
exception
  when insufficient_privilege then return 'unknown/' || database;
end
$$;
comment on function database_identity() is 'The server''s system identifier, if the tables'' owner may read it, and the database''s oid.';

create table installations (
  database_identity text primary key,
  installation_id uuid not null default gen_random_uuid(),
  created_at timestamptz not null default now()
);
comment on table installations is 'A row for this database, and one for each that it was restored from. Services add a missing one.';
insert into installations (database_identity) values (database_identity());
