select event, id, data
from events
join unnest($2::text[], $3::text[]) as wanted (event, id) using (event, id)
where entity_id = $1
