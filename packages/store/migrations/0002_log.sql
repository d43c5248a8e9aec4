-- The log: each person's events, kept for ever. A person's entries, events and redeliveries alike, are numbered
-- without a gap and chained by hashes.

create table streams (
  entity_id text collate "C" primary key,
  seq bigint not null,
  hash bytea not null
);
comment on table streams is 'The head of each person''s stream. Its row is the lock for appending to the stream.';

create sequence append_ids;

create table appends (
  append_id bigint primary key,
  size integer not null check (size > 0),
  statuses text[] not null check (cardinality(statuses) = size),
  changes_hash bytea not null,
  appended_at timestamptz not null default now(),
  first_position bigint unique,
  feed_hash bytea
);
comment on table appends is 'One row for each transaction that changed a person.';
comment on column appends.statuses is 'For each change, by its ordinal: the status that its person had after the commit.';
comment on column appends.changes_hash is 'SHA-256 over the hashes of its changes in the log, in their order.';
comment on column appends.feed_hash is 'The hash chain of the change feed, set with first_position.';
comment on column appends.first_position is 'Its position in the change feed, assigned after its commit, so that no later commit gets an earlier position.';
create index appends_without_position on appends (append_id) where first_position is null;

create table chain_heads (
  chain text primary key check (chain in ('feed', 'seals')),
  seq bigint not null,
  hash bytea not null
);
comment on table chain_heads is 'The end of each chain that is continued after commits. Its row is the lock for that.';
insert into chain_heads values ('feed', 0, decode(repeat('00', 32), 'hex')), ('seals', 0, decode(repeat('00', 32), 'hex'));

create table events (
  entity_id text collate "C" not null,
  seq bigint not null,
  event text collate "C" not null,
  id text collate "C" not null,
  ticks bigint not null,
  data json not null,
  data_digest bytea not null,
  delivery_id uuid not null,
  received_at timestamptz not null,
  delivery_digest bytea not null,
  hash bytea not null,
  append_id bigint not null,
  ordinal integer not null,
  recognised boolean not null,
  primary key (entity_id, seq),
  constraint events_identity unique (entity_id, event, id)
);
comment on column events.ticks is 'creationTimeUtc of the first delivery, in units of 100 ns since 1970. A redelivery with an earlier time counts instead.';
comment on column events.recognised is 'Whether the code that appended the event knew its type; no part of the hash chain.';
create index events_by_append on events (append_id, ordinal);

create table redeliveries (
  entity_id text collate "C" not null,
  seq bigint not null,
  event text collate "C" not null,
  id text collate "C" not null,
  ticks bigint not null,
  delivery_id uuid not null,
  received_at timestamptz not null,
  delivery_digest bytea not null,
  hash bytea not null,
  append_id bigint,
  ordinal integer,
  primary key (entity_id, seq)
);
comment on table redeliveries is 'Further deliveries of an event that the log already has, with equal data and perhaps another time.';
comment on column redeliveries.append_id is 'Set if the redelivery carries an earlier time for its event, which changes the person''s order.';
create index redeliveries_by_identity on redeliveries (entity_id, event, id);
create index redeliveries_by_append on redeliveries (append_id, ordinal) where append_id is not null;
