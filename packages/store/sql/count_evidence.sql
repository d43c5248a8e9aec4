select count(*) as persons, coalesce(sum(seq), 0)::bigint as entries,
  case when $1::text is null then (select count(*) from deliveries) else 0 end as deliveries,
  case when $1::text is null then (select count(*) from unsealed) else 0 end as unsealed
from streams
where $1::text is null or entity_id = $1
