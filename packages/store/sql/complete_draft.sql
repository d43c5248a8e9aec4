-- Adds what the draft's tables still lack: the search table's rows, indexes, triggers, statistics, storage parameters.
do $$
declare
  name text;
  definition text;
  options text[];
begin
  insert into dossier_rebuild.person_search (entity_id, search)
  select entity_id, search from dossier_rebuild.natural_persons;

  foreach name in array array['natural_persons', 'person_search'] loop
    for definition in
      select pg_get_indexdef(indexrelid) from pg_index
      where indrelid = name::regclass
        and not exists (select from pg_constraint where conindid = indexrelid and conrelid = indrelid)
      union all
      select pg_get_triggerdef(oid) from pg_trigger where tgrelid = name::regclass and not tgisinternal
    loop
      -- The table's name occurs once in a definition after "on".
      execute regexp_replace(definition, ' ON \S+ ', format(' ON dossier_rebuild.%I ', name));
    end loop;
    execute format('analyze dossier_rebuild.%I', name);
    -- Not sooner: with parallel_workers = 0, one process would build the indexes.
    select reloptions into options from pg_class where oid = name::regclass;
    if options is not null then
      execute format('alter table dossier_rebuild.%I set (%s)', name, array_to_string(options, ', '));
    end if;
  end loop;
end
$$
