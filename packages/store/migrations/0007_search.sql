-- Persons by any part of their names, e-mails and ids. The index is dear to write (100 µs for a new person), so it stands on a
-- table of its own, which is written only when a name or an e-mail is new, and not with every step of a person.

create extension if not exists pg_trgm;

create table person_search (
  entity_id text collate "C" primary key,
  search text not null
);
comment on table person_search is 'natural_persons.search, kept equal by triggers.';
create index person_search_by_part on person_search using gin (search gin_trgm_ops);

insert into person_search (entity_id, search) select entity_id, search from natural_persons;

create function keep_person_search() returns trigger language plpgsql as $$
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

create trigger searchable_added after insert or delete on natural_persons
  for each row execute function keep_person_search();
create trigger searchable_changed after update on natural_persons
  for each row when (old.search is distinct from new.search) execute function keep_person_search();

grant select, insert, update, delete on person_search to dossier_service;
