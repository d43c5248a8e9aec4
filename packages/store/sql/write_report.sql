-- Writes an instance's row and its counts of some minutes ($11, since 1970), all as of now, so that it can be repeated.
-- Returns the time.
with seen as (
  insert into instances (
    instance_id, service, version, host, pid, started_at, stopped_at, paused_because, jobs, rate
  )
  values ($1, $2, $3, $4, $5, now() - make_interval(secs => $6), case when $7 then now() end, $8, $9, $10)
  on conflict (instance_id) do update set
    last_seen_at = now(),
    stopped_at = excluded.stopped_at,
    paused_because = excluded.paused_because,
    jobs = excluded.jobs,
    rate = excluded.rate
),
counted as (
  insert into instance_minutes (minute, instance_id, counts)
  select to_timestamp(minute * 60), $1, counts
  from unnest($11::float8[], string_to_array($12, E'\n')::jsonb[]) as _ (minute, counts)
  on conflict (minute, instance_id) do update set counts = excluded.counts
)
select (extract(epoch from now()) * 1000)::float8 as now_ms
