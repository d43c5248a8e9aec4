-- What each running process of ingest, worker and console reports of itself. A process writes its own rows alone, in
-- transactions of their own, so that no report waits for another one or delays a delivery. Kept for 30 days.

create table instances (
  instance_id uuid primary key,
  service text not null check (service in ('ingest', 'worker', 'console')),
  version text not null,
  host text not null,
  pid integer not null,
  started_at timestamptz not null,
  last_seen_at timestamptz not null default now(),
  stopped_at timestamptz,
  paused_because text,
  jobs integer not null,
  rate double precision not null
);
comment on table instances is 'A row for each start of a service: a process writes it every 5 s.';
comment on column instances.stopped_at is 'Set by a clean shutdown. A process that was killed is no longer seen, and has none.';
comment on column instances.paused_because is 'Why it does no work; null while it works.';
comment on column instances.jobs is 'The jobs that it holds.';
comment on column instances.rate is 'Webhooks answered, or outcomes of deliveries, per second since the report before.';

create table instance_minutes (
  minute timestamptz not null,
  instance_id uuid not null,
  counts jsonb not null,
  primary key (minute, instance_id)
);
comment on column instance_minutes.counts is
  'By name: webhook/ANSWER, outcome/OUTCOME, applied-within-ms/BOUND. The last is a histogram of the times from receipt to commit.';
