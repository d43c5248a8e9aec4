-- Selects all deliveries of persons' events; with the events' data if $2.
select entity_id, seq, event, id, ticks, delivery_id, case when $2::boolean then data end as data,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks
from events
where entity_id = any ($1::text[])
union all
select entity_id, seq, event, id, ticks, delivery_id, null,
  (extract(epoch from received_at) * 10000000)::bigint
from redeliveries
where entity_id = any ($1::text[])
