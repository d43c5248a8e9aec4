-- Writes an instance's row and its counts of some minutes ($10, since 1970), all as of now, so that it can be repeated.
-- Leaves out minutes of the future: before its first report, an instance counts by its own clock, which may be wrong.
-- Afterwards its idea of the time is off by half a round trip at most. Returns the time.
with seen as (
  insert into instances (instance_id, service, version, host, pid, stopped, paused_because, jobs, rate, settings,
    secret_fingerprints)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $12, $13)
  on conflict (instance_id) do update set
    stopped = excluded.stopped,
    paused_because = excluded.paused_because,
    jobs = excluded.jobs,
    rate = excluded.rate
),
counted as (
  insert into instance_minutes (minute, service, instance_id, counts)
  select to_timestamp(minute * 60), $2, $1, counts
  from unnest($10::float8[], string_to_array($11, E'\n')::jsonb[]) as _ (minute, counts)
  where to_timestamp(minute * 60) < now() + interval '3 s'
  on conflict (minute, service, instance_id) do update set counts = excluded.counts
)
select (extract(epoch from now()) * 1000)::float8 as now_ms
