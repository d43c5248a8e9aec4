-- For each of the statuses $1: how many persons have it, at most $2; and as JSON the $3 whose last event is the oldest.
select status, counted.count, waiting
from unnest($1::text[]) as statuses (status)
cross join lateral (
  select count(*) from (select from natural_persons where natural_persons.status = statuses.status limit $2) as counted
) as counted
cross join lateral (
  select coalesce(json_agg(json_build_object('entityId', entity_id, 'ticks', last_ticks::text) order by last_ticks), '[]')
    ::text as waiting
  from (
    select entity_id, last_ticks from natural_persons
    where natural_persons.status = statuses.status and natural_persons.status not in ('unknown', 'approved')
    order by last_ticks limit $3
  ) as longest
) as listed
