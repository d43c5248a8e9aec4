-- Selects instances, the last seen first, behind the one that was seen at $1 and has the id $2. An instance that is not
-- seen for $3 seconds is lost, unless it stopped.
select instance_id, service, version, host, pid, paused_because, jobs, rate,
  case
    when stopped_at is not null then 'stopped'
    when last_seen_at < now() - make_interval(secs => $3) then 'lost'
    else 'alive'
  end as state,
  (extract(epoch from started_at) * 10000000)::bigint as started_ticks,
  (extract(epoch from last_seen_at) * 10000000)::bigint as last_seen_ticks,
  (extract(epoch from stopped_at) * 10000000)::bigint as stopped_ticks
from instances
where $1::bigint is null
  or ((extract(epoch from last_seen_at) * 10000000)::bigint, instance_id) < ($1, $2::uuid)
order by last_seen_at desc, instance_id desc
limit $4
