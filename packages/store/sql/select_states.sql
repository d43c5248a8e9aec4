-- Selects persons as they are folded. Reads the states of the first ones that together have about $2 bytes, at least
-- one; the others have none.
select entity_id, last_ticks, last_event, last_id, fold_version,
  case when sum(bytes) over (order by entity_id) - bytes < $2 then state end as state
from (
  select *, octet_length(state::text) as bytes from natural_persons where entity_id = any ($1::text[])
) as person
order by entity_id
