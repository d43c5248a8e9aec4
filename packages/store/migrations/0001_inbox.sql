-- The inbox: the deliveries, and whether each is open or settled. A row in deliveries is never rewritten. What
-- changes is in narrow tables of its own, so that settling a delivery never copies its body.

create table deliveries (
  delivery_id uuid primary key,
  received_at timestamptz not null default now(),
  body bytea not null,
  headers json not null,
  verified_by text not null check (verified_by in ('signature', 'payload-secret')),
  secret_fingerprint text not null,
  digest bytea not null
);
comment on column deliveries.body is 'The exact bytes; a secret found in them is overwritten with asterisks.';
comment on column deliveries.secret_fingerprint is 'The start of the SHA-256 of the secret that verified it.';
comment on column deliveries.digest is 'SHA-256 over all other columns except received_at, computed by the service that recorded it.';
-- Ids begin with the time, so this finds a secret's first and last use.
create index deliveries_by_secret on deliveries (secret_fingerprint, delivery_id);

create table open_deliveries (
  delivery_id uuid primary key,
  due_at timestamptz not null,
  bytes integer not null,
  attempts integer not null default 0,
  stalls integer not null default 0,
  sweeps integer not null default 0,
  snoozed_until timestamptz,
  snooze_error text
);
comment on column open_deliveries.due_at is 'The sweeper enqueues it from this time on, if no job has settled it.';
comment on column open_deliveries.bytes is 'The length of its body: what is settled together is limited by it.';
comment on column open_deliveries.attempts is 'Attempts used since it was opened. Outages use none.';
comment on column open_deliveries.stalls is 'How often a worker began to settle it alone since an attempt last ended.';
comment on column open_deliveries.sweeps is 'How often the sweeper has enqueued it since its receipt or its last attempt.';
comment on column open_deliveries.snoozed_until is 'Set while its last attempt ended in a snooze.';
comment on column open_deliveries.snooze_error is 'Why it was snoozed; holds nothing of its body.';
create index open_deliveries_by_due on open_deliveries (due_at);
create index open_deliveries_failing on open_deliveries (delivery_id)
  where attempts > 0 or snoozed_until is not null or stalls > 1;

create table settlements (
  delivery_id uuid primary key,
  settled_as text not null check (settled_as in ('applied', 'duplicate', 'dead-lettered', 'discarded')),
  settled_at timestamptz not null default now()
);
create index settlements_not_applied on settlements (settled_as, delivery_id) where settled_as in ('dead-lettered', 'discarded');
