-- Creates copies of the projection's tables in a schema of their own, with columns and keys. complete_draft adds the
-- rest. The table `changed` names the persons whose state differs.
do $$
declare
  live pg_class;
  name text;
  key record;
  own record;
begin
  create schema dossier_rebuild;
  create table dossier_rebuild.changed (entity_id text collate "C" primary key);
  foreach name in array array['natural_persons', 'person_search'] loop
    select * into live from pg_class where oid = name::regclass;
    execute format('create table dossier_rebuild.%I (like %s including all excluding indexes)', name, name::regclass);
    execute format('alter table dossier_rebuild.%I owner to %s', name, live.relowner::regrole);
    execute format('comment on table dossier_rebuild.%I is %L', name, obj_description(live.oid, 'pg_class'));
    for own in select attname, attstattarget from pg_attribute where attrelid = live.oid and attstattarget is not null
    loop
      execute format('alter table dossier_rebuild.%I alter column %I set statistics %s', name, own.attname, own.attstattarget);
    end loop;
    for key in select conname, pg_get_constraintdef(oid) as definition
      from pg_constraint where conrelid = live.oid and contype in ('p', 'u', 'x')
    loop
      execute format('alter table dossier_rebuild.%I add constraint %I %s', name, key.conname, key.definition);
    end loop;
  end loop;
end
$$
