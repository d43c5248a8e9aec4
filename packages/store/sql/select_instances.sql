-- Selects instances that were seen within $3 seconds (null: all), the last started first, behind the one that started at
-- $1 (ticks) and has the id $2. An instance that is not seen for $4 seconds is lost, unless it stopped.
select instance_id, service, version, host, pid, paused_because, jobs, rate, settings::text,
  case
    when stopped then 'stopped'
    when last_seen_at < now() - make_interval(secs => $4) then 'lost'
    else 'alive'
  end as state,
  (extract(epoch from started_at) * 10000000)::bigint as started_ticks,
  (extract(epoch from last_seen_at) * 10000000)::bigint as last_seen_ticks
from instances
where ($1::bigint is null or (started_at, instance_id) < (
    timestamptz 'epoch' + ($1::bigint / 10) * interval '1 microsecond', $2::uuid
  ))
  and ($3::float8 is null or last_seen_at >= now() - make_interval(secs => $3))
order by started_at desc, instance_id desc
limit $5
