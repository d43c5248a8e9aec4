-- Selects those of the parsed events that the log has, each with the earliest time of its deliveries.
select entity_id, event, id, data_digest, delivery_id,
  least(ticks, (
    select min(redeliveries.ticks) from redeliveries
    where (redeliveries.entity_id, redeliveries.event, redeliveries.id) = (events.entity_id, events.event, events.id)
  )) as ticks
from events
join unnest($1::text[], $2::text[], $3::text[]) as parsed (entity_id, event, id) using (entity_id, event, id)
