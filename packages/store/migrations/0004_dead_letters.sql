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

create table decisions (
  decision_id bigint generated always as identity primary key,
  delivery_id uuid not null,
  action text not null check (action in ('redrive', 'discard')),
  decided_by text not null,
  reason text not null,
  decided_at timestamptz not null default now()
);
create index decisions_by_delivery on decisions (delivery_id, decision_id);
