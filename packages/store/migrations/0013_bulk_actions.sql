-- Decisions about all dead letters that a filter selected at one moment, which consoles carry out in the background.

create table bulk_actions (
  bulk_action_id integer generated always as identity primary key,
  action text not null check (action in ('redrive', 'discard', 'restore')),
  filter jsonb not null,
  reason text not null,
  total integer not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  state text not null default 'previewed' check (state in ('previewed', 'running', 'completed', 'aborted', 'failed')),
  confirmed_by text,
  confirmed_at timestamptz,
  aborted_by text,
  error text,
  ended_at timestamptz,
  decided integer not null default 0,
  missed integer not null default 0,
  queue_missed integer not null default 0,
  last_dead_letter_id bigint not null default 0,
  held_by uuid,
  held_until timestamptz
);
create index bulk_actions_running on bulk_actions (confirmed_at, bulk_action_id) where state = 'running';
comment on column bulk_actions.error is 'Why it failed: a batch that would fail again. Others go on.';
comment on column bulk_actions.filter is 'As the API takes it; {} for all.';
comment on column bulk_actions.missed is 'Those of its set about which nothing could be decided.';
comment on column bulk_actions.queue_missed is 'Those that were decided about, and the queue did not take it.';
comment on column bulk_actions.last_dead_letter_id is
  'It has come so far in its set: moved in the transaction that decides, so that nothing is decided twice or forgotten.';
comment on column bulk_actions.held_until is 'Until then no other console takes it from held_by.';

create table bulk_action_deliveries (
  bulk_action_id integer not null,
  dead_letter_id bigint not null,
  delivery_id uuid not null,
  failure text check (failure in ('changed', 'queue-missed')),
  primary key (bulk_action_id, dead_letter_id)
);
create index bulk_action_failures on bulk_action_deliveries (bulk_action_id, dead_letter_id)
  where failure is not null;
comment on table bulk_action_deliveries is
  'What a bulk action selected when it was made, until 90 days after its end. A delivery that is dead-lettered anew is another dead letter.';

create function stamp_bulk_action() returns trigger language plpgsql as $$
begin
  if new.state = 'running' then
    new.confirmed_at := now();
  else
    new.ended_at := now();
  end if;
  return new;
end
$$;

create trigger stamp before update of state on bulk_actions for each row execute function stamp_bulk_action();

create function refuse_young_set() returns trigger language plpgsql as $$
begin
  if exists (
    select from removed join bulk_actions using (bulk_action_id)
    where state = 'running' or coalesce(ended_at, created_at) > now() - interval '90 days'
  ) then
    raise exception 'the set of a bulk action is kept for 90 days after its end' using errcode = 'restrict_violation';
  end if;
  return null;
end
$$;

create trigger keep_young_sets after delete on bulk_action_deliveries referencing old table as removed
  for each statement execute function refuse_young_set();
