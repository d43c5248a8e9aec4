select entity_id, state
from natural_persons
where entity_id > $1 and ($2::text is null or status = $2)
order by entity_id
limit $3
