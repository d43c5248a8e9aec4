-- Selects the next persons, at most $3, and ends when their states have $4 bytes. Says how many matched.
with matching as (
  select entity_id, state
  from natural_persons
  where entity_id > $1 and ($2::text is null or status = $2)
  order by entity_id
  limit $3
)
select entity_id, state, matches
from (
  select entity_id, state, count(*) over () as matches,
    sum(octet_length(state::text)) over (order by entity_id rows between unbounded preceding and 1 preceding) as bytes_before
  from matching
) as sized
where coalesce(bytes_before, 0) < $4::bigint
order by entity_id
