-- The webhooks that were refused in the last 24 hours, by reason, and the first and the last minute of each (ticks).
select substr(key, 9) as reason, sum(value::bigint)::bigint as count,
  (extract(epoch from min(minute)) * 10000000)::bigint as oldest,
  (extract(epoch from max(minute)) * 10000000)::bigint as newest
from instance_minutes, jsonb_each_text(counts)
where minute >= now() - interval '24 hours' and service = 'ingest' and key like 'webhook/%' and key <> 'webhook/accepted'
group by key
order by count desc
