-- Failed attempts, dead letters, and operators' decisions about them: kept for ever.

create table failed_attempts (
  failed_attempt_id bigint generated always as identity primary key,
  delivery_id uuid not null,
  attempt integer not null,
  failed_at timestamptz not null default now(),
  error text not null,
  stack text,
  code_version text not null
);
create index failed_attempts_by_delivery on failed_attempts (delivery_id, failed_attempt_id);

create table dead_letters (
  dead_letter_id bigint generated always as identity primary key,
  delivery_id uuid not null,
  dead_lettered_at timestamptz not null default now(),
  reason text not null check (
    reason in ('unparsable', 'invalid-event', 'conflicting-duplicate', 'fold-failed', 'stalled')
  ),
  message text not null,
  issues json not null,
  event text collate "C",
  id text collate "C",
  entity_id text collate "C",
  code_version text not null
);
comment on table dead_letters is 'One row for each time a delivery was dead-lettered. A delivery''s last row counts.';
create index dead_letters_by_delivery on dead_letters (delivery_id, dead_letter_id desc);
create index dead_letters_by_person on dead_letters (entity_id) where entity_id is not null;

create table decisions (
  decision_id bigint generated always as identity primary key,
  delivery_id uuid not null,
  action text not null check (action in ('redrive', 'discard', 'restore')),
  decided_by text not null,
  reason text not null,
  decided_at timestamptz not null default now()
);
create index decisions_by_delivery on decisions (delivery_id, decision_id);

-- Dead letters and decisions are chained after their commit, so that no transaction that writes one waits for another.

create table seals (
  seq bigint primary key,
  kind text not null check (kind in ('dead-letter', 'decision')),
  record_id bigint not null,
  hash bytea not null,
  unique (kind, record_id)
);
comment on table seals is 'A hash chain over all dead letters and decisions.';

create table unsealed (
  kind text not null,
  record_id bigint not null,
  primary key (kind, record_id)
);
comment on table unsealed is 'The dead letters and decisions that have no seal yet.';

create function record_unsealed() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'dead_letters' then
    insert into unsealed select 'dead-letter', dead_letter_id from added;
  else
    insert into unsealed select 'decision', decision_id from added;
  end if;
  return null;
end
$$;

create trigger unsealed after insert on dead_letters
  referencing new table as added for each statement execute function record_unsealed();
create trigger unsealed after insert on decisions
  referencing new table as added for each statement execute function record_unsealed();
