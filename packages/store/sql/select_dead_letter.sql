-- A delivery that is dead, was dead or was discarded, with all that is known of it.
select delivery_id, body, headers, verified_by, secret_fingerprint, outcome,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks
from deliveries
left join settlements using (delivery_id)
where delivery_id = $1 and exists (select from dead_letters where dead_letters.delivery_id = $1)
