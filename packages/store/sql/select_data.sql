select entity_id, event, id, data
from events
join unnest($1::text[], $2::text[], $3::text[]) as wanted (entity_id, event, id) using (entity_id, event, id)
