-- These persons' events, each with the earliest time of its sends.
select entity_id, event, id, data,
  least(ticks, (select min(resends.ticks) from resends
                where (resends.entity_id, resends.event, resends.id) = (events.entity_id, events.event, events.id))) as ticks
from events
where entity_id = any ($1::text[])
