-- Sums the counts of all instances, from $1 and before $2 (ticks), by spans of $3 minutes. Webhooks count as ingest
-- reports them, all else as workers do.
select (extract(epoch from minute) * 10000000)::bigint as ticks, json_object_agg(name, count) as counts
from (
  select date_bin(make_interval(mins => $3), minute, timestamptz 'epoch') as minute, key as name, sum(value::bigint)::bigint as count
  from instance_minutes, jsonb_each_text(counts)
  where minute >= to_timestamp($1::bigint / 1e7) and minute < to_timestamp($2::bigint / 1e7)
    and service = case when key like 'webhook/%' then 'ingest' else 'worker' end
  group by 1, key
) as sums
group by minute
order by minute
