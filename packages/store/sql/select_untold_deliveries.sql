-- Deliveries that are not settled as told into the log.
select delivery_id, body, headers, verified_by, secret_fingerprint, digest,
  (extract(epoch from received_at) * 10000000)::bigint as delivery_received_ticks
from deliveries
left join settlements using (delivery_id)
where outcome is null or outcome in ('dead', 'discarded')
order by delivery_id
