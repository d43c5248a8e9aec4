-- Selects a delivery as it was recorded, and how it is settled.
select delivery_id, body, headers, verified_by, secret_fingerprint, settled_as,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks
from deliveries
left join settlements using (delivery_id)
where delivery_id = $1
