-- Selects all deliveries of persons' events.
select entity_id, seq, event, id, ticks, delivery_id,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks
from events
where entity_id = any ($1::text[])
union all
select entity_id, seq, event, id, ticks, delivery_id,
  (extract(epoch from received_at) * 10000000)::bigint
from redeliveries
where entity_id = any ($1::text[])
