-- Selects persons' events, each with the earliest time of its deliveries; with their data if all of them together have
-- at most $2 bytes.
select entity_id, event, id, ticks, bytes, case when sum(bytes) over () <= $2 then data end as data
from (
  select entity_id, event, id, data, octet_length(data::text) as bytes,
    least(ticks, (
      select min(redeliveries.ticks) from redeliveries
      where (redeliveries.entity_id, redeliveries.event, redeliveries.id) = (events.entity_id, events.event, events.id)
    )) as ticks
  from events
  where entity_id = any ($1::text[])
) as event
