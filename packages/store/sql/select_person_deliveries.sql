-- Selects every delivery that concerns a person ($1), dead-lettered ones too, and those that were found among the open
-- ones ($2).
select delivery_id, body, headers, verified_by, secret_fingerprint, digest, settled_as,
  (extract(epoch from received_at) * 10000000)::bigint as delivery_received_ticks,
  (extract(epoch from settled_at) * 10000000)::bigint as settled_ticks
from deliveries
left join settlements using (delivery_id)
where delivery_id in (
  select delivery_id from events where entity_id = $1
  union select delivery_id from redeliveries where entity_id = $1
  union select delivery_id from dead_letters where entity_id = $1
  union select unnest($2::uuid[])
)
order by received_at, delivery_id
