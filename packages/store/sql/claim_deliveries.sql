-- Locks the open ones among deliveries, and returns them. Skips those that another transaction has locked. Reads the
-- bodies of the first ones that together have about $2 bytes, at least one; the others have none.
with locked as materialized (
  select delivery_id, bytes, traceparent
  from open_deliveries
  where delivery_id = any ($1::uuid[])
  order by delivery_id
  for update skip locked
),
summed as (
  select delivery_id, traceparent, sum(bytes) over (order by delivery_id) - bytes as bytes_before from locked
)
select summed.delivery_id, summed.traceparent, body, digest, (extract(epoch from received_at) * 10000000)::bigint as received_ticks
from summed
left join deliveries on deliveries.delivery_id = summed.delivery_id and bytes_before < $2
where deliveries.delivery_id is not null or bytes_before >= $2
order by summed.delivery_id
