-- The projection: a function of the log. `dossier rebuild` refolds it.

create table natural_persons (
  entity_id text collate "C" primary key,
  status text not null,
  review_needed boolean not null,
  search text not null,
  state json not null,
  last_ticks bigint not null,
  last_event text collate "C" not null,
  last_id text collate "C" not null,
  fold_version integer not null
);
comment on column natural_persons.search is 'Name, e-mail and id as they are searched, by any part: see toSearchable.';
comment on column natural_persons.last_ticks is 'With last_event and last_id: the order key of the last folded event.';
comment on column natural_persons.fold_version is 'The version of the fold that made the state; the least, if several did.';
create index natural_persons_by_fold_version on natural_persons (fold_version);
create index natural_persons_by_status on natural_persons (status, entity_id);

create table rebuilt_persons (
  append_id bigint not null,
  ordinal integer not null,
  entity_id text collate "C" not null,
  hash bytea not null,
  primary key (append_id, ordinal)
);
comment on table rebuilt_persons is 'Persons whose state a rebuild changed: changes of the feed without an event.';
comment on column rebuilt_persons.hash is 'Random: tells this change from one of another rebuild.';
