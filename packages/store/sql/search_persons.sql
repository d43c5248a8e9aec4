select entity_id, state
from natural_persons
join person_search using (entity_id)
where entity_id > $1 and ($2::text is null or status = $2) and person_search.search like $4
order by entity_id
limit $3
