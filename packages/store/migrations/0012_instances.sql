-- What each running process of ingest, worker and console reports of itself. A process writes its own rows alone, in
-- transactions of their own, so that no report waits for another one or delays a delivery. Kept for 30 days.

create table instances (
  instance_id uuid primary key,
  service text not null check (service in ('ingest', 'worker', 'console')),
  version text not null,
  host text not null,
  pid integer not null,
  started_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  stopped boolean not null,
  paused_because text check (paused_because in ('postgres-unavailable', 'queue-unavailable')),
  jobs integer not null,
  rate double precision,
  settings json not null default '{}',
  secret_fingerprints text[] not null default '{}'
);
comment on table instances is 'A row for each start of a service: a process writes it every 5 s.';
comment on column instances.started_at is 'When it first reported itself.';
comment on column instances.stopped is 'Set by a clean shutdown, with its last report. A process that was killed is no longer seen.';
comment on column instances.paused_because is 'Why it does no work; null while it works.';
comment on column instances.jobs is 'The jobs that it holds.';
comment on column instances.rate is
  'Webhooks answered, or outcomes of deliveries, per second since the report before; null for the console.';
comment on column instances.settings is 'What may be shown of its configuration, as text by name; no secret.';
comment on column instances.secret_fingerprints is 'Of the webhook secrets that it accepts, as in deliveries.';
-- Of columns that never change, so that a report changes no index.
create index instances_by_start on instances (started_at, instance_id);

create table instance_minutes (
  minute timestamptz not null,
  service text not null,
  instance_id uuid not null,
  counts jsonb not null,
  primary key (minute, service, instance_id)
);
comment on column instance_minutes.counts is
  'By name: webhook/ANSWER, outcome/OUTCOME, applied-within-ms/BOUND. The last is a histogram of the times from receipt to commit.';

create function stamp_report() returns trigger language plpgsql as $$
begin
  new.last_seen_at := now();
  return new;
end
$$;

create trigger stamp before update on instances for each row execute function stamp_report();

-- Whoever has the right may read all rows. `migrate` adds that each service writes its own.
alter table instances enable row level security;
alter table instance_minutes enable row level security;
create policy read on instances for select using (true);
create policy read on instance_minutes for select using (true);
