-- Puts the draft's tables in the place of the live ones, with their grants. A snapshot from before the switch that
-- first reads the persons after it sees none.
do $$
declare
  live pg_class;
  name text;
  granted record;
begin
  foreach name in array array['natural_persons', 'person_search'] loop
    select * into live from pg_class where oid = name::regclass;
    for granted in select * from aclexplode(live.relacl) loop
      execute format('grant %s on dossier_rebuild.%I to %s %s', granted.privilege_type, name,
        case granted.grantee when 0 then 'public' else granted.grantee::regrole::text end,
        case when granted.is_grantable then 'with grant option' else '' end);
    end loop;
    execute format('drop table %s', live.oid::regclass);
    execute format('alter table dossier_rebuild.%I set schema %s', name, live.relnamespace::regnamespace);
  end loop;
  drop table dossier_rebuild.changed;
  drop schema dossier_rebuild;
end
$$
