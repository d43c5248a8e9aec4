-- Search for persons by any part of their names, e-mails and ids. Writing the index is expensive (100 µs for a new
-- person), so it is on a table of its own, which is only written if a name or an e-mail changes, and not with every
-- event.

create extension if not exists pg_trgm;

create table person_search (
  entity_id text collate "C" primary key,
  search text not null
);
comment on table person_search is 'A copy of natural_persons.search, which triggers keep equal.';

-- The extension may be in a schema of its own, which is not in the search path.
do $$
begin
  execute format(
    'create index person_search_by_part on person_search using gin (search %s.gin_trgm_ops)',
    (select extnamespace::regnamespace from pg_extension where extname = 'pg_trgm')
  );
end
$$;

-- By the whole e-mail, the last line but one. A hash, as a name may stand there, which may be too long for a tree.
create index person_search_by_email on person_search using hash (split_part(search, E'\n', -2));

-- Whether to look for a term by the index, or for the first page of many persons, is decided by how common it is.
alter table person_search alter column search set statistics 1000;

insert into person_search (entity_id, search) select entity_id, search from natural_persons;

create function sync_person_search() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    delete from person_search where entity_id = old.entity_id;
  else
    insert into person_search (entity_id, search) values (new.entity_id, new.search)
    on conflict (entity_id) do update set search = excluded.search;
  end if;
  return null;
end
$$;

create trigger person_search_added after insert or delete on natural_persons
  for each row execute function sync_person_search();
create trigger person_search_changed after update on natural_persons
  for each row when (old.search is distinct from new.search) execute function sync_person_search();
