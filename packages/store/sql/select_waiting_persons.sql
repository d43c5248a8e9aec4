-- For each of the statuses $1: how many persons have it, at most $3; how many of them had their last event before $2
-- (ticks), at most $3; and as JSON the $4 of these whose last event is the oldest. Those of a status with a time are read
-- in the order of their last events, so that one read counts both.
select status, counted.count, stuck, longest
from unnest($1::text[], $2::bigint[]) as steps (status, before)
cross join lateral (
  select count(*), count(*) filter (where last_ticks < before) as stuck
  from (
    (select last_ticks from natural_persons
     where before is not null and natural_persons.status = steps.status
       and natural_persons.status not in ('unknown', 'approved')
     order by last_ticks limit $3)
    union all
    (select null from natural_persons where before is null and natural_persons.status = steps.status limit $3)
  ) as persons
) as counted
cross join lateral (
  select coalesce(json_agg(json_build_object('entityId', entity_id, 'ticks', last_ticks::text) order by last_ticks), '[]')
    ::text as longest
  from (
    select entity_id, last_ticks from natural_persons
    where natural_persons.status = steps.status and natural_persons.status not in ('unknown', 'approved')
      and last_ticks < before
    order by last_ticks limit $4
  ) as oldest
) as listed
