-- Selects persons' events, each with the earliest time of its deliveries.
select entity_id, event, id, data,
  least(ticks, (
    select min(redeliveries.ticks) from redeliveries
    where (redeliveries.entity_id, redeliveries.event, redeliveries.id) = (events.entity_id, events.event, events.id)
  )) as ticks
from events
where entity_id = any ($1::text[])
